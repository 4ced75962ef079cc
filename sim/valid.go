package sim

import (
	"fmt"
	"time"
)

// What a schedule is bounded by, so that one from a file, which anybody may have edited,
// comes to an end like those that are generated.
const (
	// maxNodes is how many places there are for nodes: the masks of Change have 15 bits.
	maxNodes = 15
	maxOps   = 2000
	maxNoise = 1 << 20
	// maxLength is how long all Ops together may take, and maxNodeTicks how many ticks all
	// nodes may have meanwhile, so that a run stays far below maxSteps.
	maxLength    = 24 * time.Hour
	maxNodeTicks = 500_000
	// minTick and maxDelay are the shortest and the longest times in a Setup.
	minTick  = time.Millisecond
	maxDelay = time.Second
	// maxTicks is the longest of its times in ticks.
	maxTicks = 1000
	// maxAmount is the most of anything: times longer, entries, hundredths of a tick.
	maxAmount = 10_000
)

// Validate reports what a schedule has that no run can do with.
func (s *Schedule) Validate() error {
	if err := s.Setup.validate(); err != nil {
		return err
	}
	if len(s.Ops) > maxOps {
		return fmt.Errorf("sim: %d ops, the most is %d", len(s.Ops), maxOps)
	}
	if len(s.Noise) > maxNoise {
		return fmt.Errorf("sim: %d bytes of noise, the most is %d", len(s.Noise), maxNoise)
	}
	var length time.Duration
	for i, op := range s.Ops {
		if err := op.validate(); err != nil {
			return fmt.Errorf("sim: op %d: %w", i, err)
		}
		if length += op.After; length > maxLength {
			return fmt.Errorf("sim: op %d is more than %v after the beginning", i, maxLength)
		}
	}
	if ticks := int(length/s.Setup.Tick) * (s.Setup.Nodes + s.Setup.Spares); ticks > maxNodeTicks {
		return fmt.Errorf("sim: %d ticks of all nodes, the most is %d", ticks, maxNodeTicks)
	}
	return nil
}

func (s *Setup) validate() error {
	switch {
	case s.Layer > Engines:
		return fmt.Errorf("sim: there is no layer %d", uint8(s.Layer))
	case s.Nodes < 1 || s.Nodes > maxNodes:
		return fmt.Errorf("sim: %d nodes, must be 1 to %d", s.Nodes, maxNodes)
	case s.Spares < 0 || s.Nodes+s.Spares > maxNodes:
		return fmt.Errorf("sim: %d spares beside %d nodes, must be at least 0, and %d together at most", s.Spares, s.Nodes, maxNodes)
	case s.Layer == Engines && s.Spares >= s.Nodes:
		// More than that could found a second cluster, as the documentation says.
		return fmt.Errorf("sim: %d spares beside %d engines, must be fewer", s.Spares, s.Nodes)
	case s.ReplaceAfter != 0 && (s.ReplaceAfter <= s.ElectionMax || s.ReplaceAfter > maxTicks):
		return fmt.Errorf("sim: members are replaced after %d ticks, must be more than %d, and %d at most", s.ReplaceAfter, s.ElectionMax, maxTicks)
	case s.Tick < minTick || s.Tick > maxDelay:
		return fmt.Errorf("sim: a tick of %v, must be %v to %v", s.Tick, minTick, maxDelay)
	case s.Heartbeat < 1 || s.ElectionMin <= 2*s.Heartbeat || s.ElectionMax <= s.ElectionMin || s.ElectionMax > maxTicks:
		return fmt.Errorf("sim: elections after %d to %d ticks with a heartbeat of %d, must be more than twice that, rising, and %d at most",
			s.ElectionMin, s.ElectionMax, s.Heartbeat, maxTicks)
	case s.Delay <= 0 || s.Delay > maxDelay || s.WriteDelay <= 0 || s.WriteDelay > maxDelay:
		return fmt.Errorf("sim: delays of %v and %v, must be more than 0 and %v at most", s.Delay, s.WriteDelay, maxDelay)
	}
	return s.Faults.validate()
}

// validate sees to it that one byte can tell what befalls a frame.
func (f Faults) validate() error {
	if sum := int(f.Lost) + int(f.Repeated) + int(f.Late); sum > 255 {
		return fmt.Errorf("sim: %d of 256 frames lost, repeated or late, the most is 255", sum)
	}
	return nil
}

func (op Op) validate() error {
	if op.Kind >= kinds {
		return fmt.Errorf("there is no %v", op.Kind)
	}
	if op.After < 0 || op.After > maxLength {
		return fmt.Errorf("it comes %v after the one before", op.After)
	}
	switch {
	case op.Kind == Noisy:
		return faultsOf(op.Amount).validate()
	case op.Amount > maxAmount && !op.Kind.bits():
		return fmt.Errorf("amount %d, the most is %d", op.Amount, maxAmount)
	}
	return nil
}

// faultsOf is what the Amount of Noisy says.
func faultsOf(amount uint32) Faults {
	return Faults{Lost: uint8(amount), Repeated: uint8(amount >> 8), Late: uint8(amount >> 16), SlowWrites: uint8(amount >> 24)}
}
