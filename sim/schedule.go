package sim

import (
	"fmt"
	"time"
)

// A Schedule is everything that a run depends on: what the world is like, what is done
// to it and when, and what befalls each frame and each write on its way. The same
// schedule gives the same run, byte for byte.
type Schedule struct {
	// Seed and Profile are where it came from; nothing depends on them.
	Seed    uint64 `json:"seed"`
	Profile string `json:"profile"`

	Setup Setup `json:"setup"`
	Ops   []Op  `json:"ops"`
	// Noise is drawn from, a byte at a time, for what is left to chance. Where it has
	// ended, the bytes follow from NoiseSeed, or are all 0, which means that nothing
	// unusual happens, if that is 0.
	Noise     []byte `json:"noise,omitempty"`
	NoiseSeed uint64 `json:"noise_seed,omitempty"`
}

// A Layer says what runs in the world.
type Layer uint8

const (
	// Cores are raft.Cores, each with an owner that does what a node does for it and
	// nothing more. They have disks that they restart from, change their membership,
	// take snapshots and hand over.
	Cores Layer = iota
	// Engines are whole nodes, as they are shipped: they found their cluster, speak in
	// frames of bytes, forward proposals and have sessions.
	Engines
)

func (l Layer) String() string { return [...]string{"cores", "engines"}[l] }

// Setup is what a world is like from the beginning.
type Setup struct {
	Layer Layer `json:"layer"`
	// Nodes found the cluster; Spares are there and no members.
	Nodes  int `json:"nodes"`
	Spares int `json:"spares,omitempty"`
	// Seed is what the nodes' own random choices follow from.
	Seed uint64 `json:"seed"`
	// Tick is the length of a tick on a clock that goes right.
	Tick time.Duration `json:"tick"`
	// Heartbeat, ElectionMin and ElectionMax are in ticks.
	Heartbeat   int `json:"heartbeat"`
	ElectionMin int `json:"election_min"`
	ElectionMax int `json:"election_max"`
	// Durable engines live in directories with the real log, on disks that forget what
	// disks may.
	Durable bool `json:"durable,omitempty"`
	// Machine gives durable engines a state machine. Without one, Retain is how many entries
	// of their logs stay, at least; 0 is all.
	Machine bool `json:"machine,omitempty"`
	Retain  int  `json:"retain,omitempty"`
	// WorkDelay is how long a state machine takes to begin with what there is to apply.
	WorkDelay time.Duration `json:"work_delay,omitempty"`
	// ReplaceAfter is after how many ticks of silence engines replace a member; 0 is never.
	ReplaceAfter int `json:"replace_after,omitempty"`
	// Small limits everything to a few entries, so that limits are reached.
	Small bool `json:"small,omitempty"`

	// Delay is how long a frame takes, WriteDelay a write to a disk.
	Delay      time.Duration `json:"delay"`
	WriteDelay time.Duration `json:"write_delay"`
	// HangLeader hangs the disk of whoever leads when the rest is healed and at rest, for
	// good: the others have to go on without it.
	HangLeader bool `json:"hang_leader,omitempty"`
	// Faults is what the network does unless an Op says otherwise.
	Faults Faults `json:"faults"`
}

// Faults says how many of 256 frames, or writes, suffer what.
type Faults struct {
	Lost     uint8 `json:"lost,omitempty"`
	Repeated uint8 `json:"repeated,omitempty"`
	// Late frames take up to 128 times as long as others, mostly a few times, so that
	// later ones overtake them.
	Late uint8 `json:"late,omitempty"`
	// SlowWrites take up to 128 times as long as others.
	SlowWrites uint8 `json:"slow_writes,omitempty"`
}

// An Op is one thing that happens to the world.
type Op struct {
	// After is how much later than the Op before it.
	After time.Duration `json:"after"`
	Kind  Kind          `json:"kind"`
	// Node is whom it happens to: the number of a node, or Leader.
	Node uint8 `json:"node"`
	// Other is another node, and Amount says how much, where a Kind needs it.
	Other  uint8  `json:"other,omitempty"`
	Amount uint32 `json:"amount,omitempty"`
}

// Leader stands for whichever node leads at the moment.
const Leader = 255

// A Kind is what an Op does. What it cannot do at the moment, it does not do.
type Kind uint8

const (
	// Propose has a client append Amount values, at least one, at Node.
	Propose Kind = iota
	// ReadIndex has a client read at Node.
	ReadIndex
	// CompareAndSet has a client change a register at Node if it holds what it read.
	CompareAndSet
	// GiveUp has the oldest client that waits at Node stop to wait.
	GiveUp

	// Cut loses what Node sends to Other, until Mend. With Amount 1, both directions.
	Cut
	// Isolate cuts Node off from everybody.
	Isolate
	// Partition cuts the nodes whose bits in Amount are set off from the others.
	Partition
	// Graph cuts all links but those whose bits in Amount are set: bit i is the i-th
	// pair of nodes, in the order 0-1, 0-2, 1-2, 0-3, ….
	Graph
	// Mend undoes all cuts and slow links.
	Mend
	// Noisy makes the network as bad as Amount, which holds the fields of Faults from
	// the lowest byte up, says.
	Noisy
	// SlowLink makes frames from Node to Other take Amount times as long.
	SlowLink
	// Unreachable tells Node that what it sent to Other may be lost.
	Unreachable
	// FormerLife delivers a frame that was delivered, or lost, some time ago: one of the
	// latest or, with an odd Amount, one of a kind that is rare.
	FormerLife

	// Crash ends Node's process. Of the writes that are not durable, the first Amount
	// survive.
	Crash
	// Restart starts a node that is down from what its disk holds. Of the first Amount
	// percent of its log it is given the terms only.
	Restart
	// Wipe starts a node that is down without its disk, as somebody else.
	Wipe
	// Pause stops Node's process as it is; frames wait for it. Resume lets it go on.
	Pause
	Resume
	// Sluggish has Node take Amount hundredths of a tick for each turn, so that much
	// waits for one turn; 0 makes it quick again.
	Sluggish
	// ClockRate makes Node's clock run at Amount percent.
	ClockRate
	// ClockJump lets Amount ticks pass at once for Node.
	ClockJump
	// SlowDisk makes Node's writes take Amount times as long; HangDisk makes them take
	// for ever, until a HealDisk.
	SlowDisk
	HangDisk
	HealDisk
	// Unload has Node's core drop from memory what its disk has, but for Amount entries.
	Unload
	// Damage spoils an entry on Node's disk: that number Amount, counted from the first, and
	// on from there again after the last. Repair has others give them back. Of an engine's
	// directory, Amount says whether a sync fails, there is no room, or where it rots.
	Damage
	Repair
	// Lie has Node's disk say of each sync that it was done, and do none, until a HealDisk or
	// the power goes. Misdirect has its next write land elsewhere: Amount says where.
	Lie
	Misdirect
	// Tamper does to Node's directory what people do to directories: Amount says what.
	Tamper

	// Change asks the leader for another membership: bits 0 to 14 of Amount are the
	// voters, bit 15 is one that is not there at all, and bits 16 to 30 the learners.
	Change
	// Transfer asks the leader to hand over, to Other or, with Amount 0, to anybody.
	Transfer
	// Compact has Node take a snapshot and keep Amount entries behind it.
	Compact

	// PowerCut cuts the power in the middle of what Node's disk does: at the change that
	// has half of Amount others before it. Of an odd Amount, only what is done to snapshots
	// counts, and of one that leaves 2 by four, what is done to the log.
	PowerCut
	// Diverge makes the state of Node's state machine another one.
	Diverge

	kinds // how many there are
)

var kindNames = [kinds]string{
	Propose: "propose", ReadIndex: "read", CompareAndSet: "compare-and-set", GiveUp: "give up",
	Cut: "cut", Isolate: "isolate", Partition: "partition", Graph: "graph", Mend: "mend", Noisy: "noisy",
	SlowLink: "slow link", Unreachable: "unreachable", FormerLife: "former life",
	Crash: "crash", Restart: "restart", Wipe: "wipe", Pause: "pause", Resume: "resume", Sluggish: "sluggish",
	ClockRate: "clock rate", ClockJump: "clock jump", SlowDisk: "slow disk", HangDisk: "hang disk", HealDisk: "heal disk",
	Unload: "unload", Damage: "damage", Repair: "repair", Lie: "lie", Misdirect: "misdirect", Tamper: "tamper",
	Change: "change", Transfer: "transfer", Compact: "compact",
	PowerCut: "power cut", Diverge: "diverge",
}

func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// MarshalText writes the name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a name.
func (k *Kind) UnmarshalText(text []byte) error {
	for i, name := range kindNames {
		if name == string(text) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("sim: %q is not a kind of Op", text)
}

// fault reports whether it is something that clients do not do.
func (k Kind) fault() bool { return k > GiveUp }
