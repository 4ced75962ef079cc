package founding

import "errors"

// Saved is what a node must not forget as long as it goes by its id.
type Saved struct {
	// Round is the latest round that the node takes part in. It will not pledge in
	// an earlier one.
	Round Round
	// Pledge is the latest pledge that the node has made, if any.
	Pledge Pledge
	// State says how far the node is; Charter founded its cluster, if it knows one.
	State   State
	Charter Charter
}

// validate reports what cannot have been saved by a node of this configuration.
func (s *Saved) validate(config *Config) error {
	fits := func(c Charter) bool {
		return isCharter(c.Voters, config.Size) && clusterID(config.Cluster, c.Voters) == c.Cluster
	}
	if err := s.check(); err != nil {
		return err
	}
	switch {
	case s.Pledge.made() && !fits(s.Pledge.Charter):
		return errors.New("founding: the saved pledge is for another cluster name or size")
	case s.State != Fresh && !fits(s.Charter):
		return errors.New("founding: the saved charter is for another cluster name or size")
	}
	return nil
}
