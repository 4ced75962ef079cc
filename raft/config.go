package raft

import "fmt"

// Config says how a Core behaves. All nodes of a cluster should have the same
// timeouts; the limits may differ.
type Config struct {
	// ID is this node. It must not be None.
	ID NodeID
	// Seed makes the election timeouts of this node different from others'.
	Seed uint64

	// HeartbeatTicks is the time between a leader's heartbeats.
	HeartbeatTicks int
	// ElectionTicksMin and ElectionTicksMax bound the time, drawn anew each time,
	// after which a node that hears no leader stands for election: at least the
	// first, less than the second (§3.4). The first is also how long a node protects
	// a leader it has heard (§4.2.3), and how long a leader goes on without hearing a
	// quorum. It must be more than two heartbeats.
	ElectionTicksMin, ElectionTicksMax int

	// MaxMessageBytes limits the entries in one AppendEntries, except that one
	// entry always goes.
	MaxMessageBytes int
	// MaxInflightMessages and MaxInflightBytes limit what is sent to one follower
	// and not acknowledged; when either is reached, nothing more is sent to it.
	MaxInflightMessages int
	MaxInflightBytes    int
	// MaxUncommittedBytes limits the entries that a leader has and that are not
	// committed, and those that it has handed out and that are not durable; beyond it
	// Propose gives ErrBusy. When there are none, one Propose of any size is taken.
	MaxUncommittedBytes int
	// MaxReads limits the Read events that have no answer yet.
	MaxReads int

	// Tracer, if not nil, is told of every step.
	Tracer Tracer
}

// DefaultConfig has limits and timeouts, in ticks of 10 ms, for a local network.
func DefaultConfig(id NodeID, seed uint64) Config {
	return Config{
		ID:                  id,
		Seed:                seed,
		HeartbeatTicks:      5,
		ElectionTicksMin:    30,
		ElectionTicksMax:    50,
		MaxMessageBytes:     256 << 10,
		MaxInflightMessages: 256,
		MaxInflightBytes:    8 << 20,
		MaxUncommittedBytes: 64 << 20,
		MaxReads:            1 << 16,
	}
}

// Validate reports the first setting that cannot work.
func (c *Config) Validate() error {
	switch {
	case c.ID == None:
		return fmt.Errorf("raft: Config.ID is empty")
	case c.HeartbeatTicks < 1:
		return fmt.Errorf("raft: Config.HeartbeatTicks is %d, must be at least 1", c.HeartbeatTicks)
	case c.ElectionTicksMin <= 2*c.HeartbeatTicks:
		return fmt.Errorf("raft: Config.ElectionTicksMin is %d, must be more than two heartbeats (%d)", c.ElectionTicksMin, 2*c.HeartbeatTicks)
	case c.ElectionTicksMax <= c.ElectionTicksMin:
		return fmt.Errorf("raft: Config.ElectionTicksMax is %d, must be more than ElectionTicksMin (%d)", c.ElectionTicksMax, c.ElectionTicksMin)
	case c.MaxMessageBytes < 1 || c.MaxInflightMessages < 1 || c.MaxInflightBytes < 1 || c.MaxUncommittedBytes < 1 || c.MaxReads < 1:
		return fmt.Errorf("raft: every limit of Config must be at least 1")
	}
	return nil
}
