package founding

import (
	"fmt"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// Config says who a node is and how patient. All times are in ticks; 0 stands for the
// default, which suits ticks of 10 ms. Nodes of one cluster should have the same times.
type Config struct {
	// ID is the node's identity. It must be new whenever the node has forgotten what
	// it promised: a process without a disk takes a new one at each start.
	ID raft.NodeID
	// Name is what people call the node, at most wire.MaxName bytes; it may be empty.
	Name string
	// Cluster is the name of the cluster to found or to find.
	Cluster string
	// Size is how many voters the cluster is founded with: 1 to raft.MaxMembers.
	Size int
	// Starts is how often the node's directory was started, this time included, and
	// durably counted before the node says anything; 0 for a node without a directory.
	// Nonce is a random number of this process, not 0 if Starts is not. By them nodes
	// find out that a directory was copied.
	Starts, Nonce uint64
	// Seed makes the delays of this node different from others'.
	Seed uint64

	// HelloTicks is the time between the hellos of a node that founds, and of all
	// others while they hear one that does. The default is 10.
	HelloTicks int
	// MemberHelloTicks is the time between hellos otherwise: at least HelloTicks.
	// The default is 100.
	MemberHelloTicks int
	// QuietTicks is how long a node waits before it proposes, once it hears enough
	// nodes: more than two HelloTicks, so that it hears of a cluster that exists. The
	// default is 40.
	QuietTicks int
	// RoundTicks is the time given to a round before another is begun; it doubles
	// from round to round, up to 16 times. It should be several times what a message
	// takes. The default is 30.
	RoundTicks int
	// SilentTicks is how long after its last hello a node counts as there: more than
	// two MemberHelloTicks. The default is 300.
	SilentTicks int
}

// Defaults, in ticks of 10 ms. With them three nodes found a cluster within about a
// second of meeting, and may lose four hellos out of five.
const (
	defaultHelloTicks       = 10
	defaultMemberHelloTicks = 100
	defaultQuietTicks       = 40
	defaultRoundTicks       = 30
	defaultSilentTicks      = 300
)

func (c *Config) setDefaults() {
	for _, field := range []struct {
		ticks *int
		value int
	}{
		{&c.HelloTicks, defaultHelloTicks},
		{&c.MemberHelloTicks, defaultMemberHelloTicks},
		{&c.QuietTicks, defaultQuietTicks},
		{&c.RoundTicks, defaultRoundTicks},
		{&c.SilentTicks, defaultSilentTicks},
	} {
		if *field.ticks == 0 {
			*field.ticks = field.value
		}
	}
}

// validate reports the first setting that cannot work.
func (c *Config) validate() error {
	switch {
	case c.ID == raft.None:
		return fmt.Errorf("founding: Config.ID is empty")
	case len(c.ID) > raft.MaxNodeIDLen:
		return fmt.Errorf("founding: Config.ID has %d bytes, the most is %d", len(c.ID), raft.MaxNodeIDLen)
	case len(c.Name) > wire.MaxName:
		return fmt.Errorf("founding: Config.Name has %d bytes, the most is %d", len(c.Name), wire.MaxName)
	case c.Cluster == "":
		return fmt.Errorf("founding: Config.Cluster is empty")
	case c.Size < 1 || c.Size > raft.MaxMembers:
		return fmt.Errorf("founding: Config.Size is %d, must be 1 to %d", c.Size, raft.MaxMembers)
	case c.Starts > 0 && c.Nonce == 0:
		return fmt.Errorf("founding: Config.Nonce is 0 for a node with a directory")
	case c.HelloTicks < 1:
		return fmt.Errorf("founding: Config.HelloTicks is %d, must be at least 1", c.HelloTicks)
	case c.MemberHelloTicks < c.HelloTicks:
		return fmt.Errorf("founding: Config.MemberHelloTicks is %d, must be at least HelloTicks (%d)", c.MemberHelloTicks, c.HelloTicks)
	case c.QuietTicks <= 2*c.HelloTicks:
		return fmt.Errorf("founding: Config.QuietTicks is %d, must be more than two HelloTicks (%d)", c.QuietTicks, 2*c.HelloTicks)
	case c.RoundTicks < 1:
		return fmt.Errorf("founding: Config.RoundTicks is %d, must be at least 1", c.RoundTicks)
	case c.SilentTicks <= 2*c.MemberHelloTicks:
		return fmt.Errorf("founding: Config.SilentTicks is %d, must be more than two MemberHelloTicks (%d)", c.SilentTicks, 2*c.MemberHelloTicks)
	}
	return nil
}
