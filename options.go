package gaggle

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/trace"
	"github.com/ben-ng/gaggle/vfs"
)

// DefaultName is the cluster's name if none is given: "gaggle".
const DefaultName = "gaggle"

// MaxSize is the largest cluster that can be founded: 64 nodes.
const MaxSize = raft.MaxMembers

// An Option is an argument of Join and Replicate: Size, Dir, Name, ID, InMemory, Retain,
// ReplaceAfter, Logger, Trace, WithCodec, or a Timing. All nodes of a cluster should have the same,
// but for Dir, ID, Logger and Trace. Of two of a kind, the last counts.
type Option interface{ apply(*settings) error }

type option func(*settings) error

func (o option) apply(s *settings) error { return o(s) }

type settings struct {
	size       int
	name       string
	id         string
	inMemory   bool
	dir        string
	retain     Index
	timing     Timing
	replace    time.Duration
	replaceSet bool
	codec      Codec
	log        *slog.Logger
	trace      string
}

// Size is how many nodes the cluster has: 1 to MaxSize, which is 64. It has to be given. A
// cluster of 3 goes on when 1 of them fails, one of 5 when 2 do. Nodes beyond the size
// become standbys. Nodes of another size on the same name and channel are reported:
// ErrSizeMismatch.
//
// One cluster is founded as long as fewer than 2×Size processes look for it while they are
// kept apart; a process that restarts before there is a cluster counts again. With more,
// either half may found its own, which is reported: ErrTwoClusters.
func Size(n int) Option {
	return option(func(s *settings) error {
		if n < 1 || n > MaxSize {
			return fmt.Errorf("gaggle: Size(%d): must be from 1 to %d", n, MaxSize)
		}
		s.size = n
		return nil
	})
}

// Name is the cluster's name, 1 to 128 bytes, which keeps clusters on one channel apart.
// The default is DefaultName.
func Name(name string) Option {
	return option(func(s *settings) error {
		if name == "" || len(name) > channel.MaxCluster {
			return fmt.Errorf("gaggle: Name(%q): must have 1 to %d bytes", name, channel.MaxCluster)
		}
		s.name = name
		return nil
	})
}

// maxIDLen leaves room in a NodeID for the part that is new at each start.
const maxIDLen = 64

// ID is what the node is called wherever it is shown, 1 to 64 bytes without control
// characters and without "#". The node's identity, Node.ID, is this name and a random part,
// as an identity must not come back without what it promised: new for each directory, and
// without Dir at each start. So two nodes of one name are two nodes. The default is a random
// name, or that in the directory; another than that is ErrForeign.
func ID(name string) Option {
	return option(func(s *settings) error {
		if name == "" || len(name) > maxIDLen {
			return fmt.Errorf("gaggle: ID(%q): must have 1 to %d bytes", name, maxIDLen)
		}
		if strings.ContainsFunc(name, func(r rune) bool { return r == '#' || unicode.IsControl(r) }) {
			return fmt.Errorf("gaggle: ID(%q): must have no control character, and no #, which ends the name in an identity", name)
		}
		s.id = name
		return nil
	})
}

// Dir is the directory that the node lives in: its identity, its log and its snapshots. It
// is made if it is not there, and is this node's alone. What Append has acknowledged is on
// the disks of a majority of the nodes that have one. A node that is started again in its
// directory, after whatever ended it, is the same node, and goes on where it was.
//
// Join refuses a directory that is in use (ErrLocked), that is a copy of another
// (ErrCopied), that is another node's or cluster's (ErrForeign), or of which a part is
// missing (ErrIncomplete), and says what to do. If what the node has promised
// cannot be read any more, the files are put aside and it begins as a new node, a standby,
// which Status.Problem says. docs/faults.md has all that may befall a disk, and what follows.
func Dir(path string) Option {
	return option(func(s *settings) error {
		if path == "" {
			return errors.New("gaggle: Dir: the path is empty")
		}
		s.dir = path
		return nil
	})
}

// Retain says how many entries of the log stay, at least: the last n, the cluster's own
// among them. What is older is removed now and then, and Entries below it gives
// ErrCompacted. The default, and 0, is to keep them all. It is for logs; a state machine
// needs no entry that its snapshot has, and keeps those since the last two.
func Retain(n uint64) Option {
	return option(func(s *settings) error {
		s.retain = Index(n)
		return nil
	})
}

// InMemory says that the node may keep its log in memory although the others may
// outlive it. It, or Dir, is needed on a channel that crosses processes, as tcp does.
//
// A member that stops does not come back: its process, started again, is a new node, a
// standby, which takes a silent member's place after ReplaceAfter. When half of the members
// or more have stopped before others had taken their places, the cluster cannot go on, and
// what it acknowledged is gone once every process has been restarted.
func InMemory() Option {
	return option(func(s *settings) error {
		s.inMemory = true
		return nil
	})
}

// DefaultReplaceAfter is above the usual pauses, restarts and outages, as to replace a member
// costs a copy of the log: a minute.
const DefaultReplaceAfter = time.Minute

// ReplaceAfter is how long a leader does not hear a member until a standby takes its place,
// when it has caught up: one at a time, and while a majority is heard. A member that comes
// back later is a standby. The time must be above Timing.ElectionMax, and is 24 h at most. The
// default is DefaultReplaceAfter, or twice ElectionMax if that is more; 0 is never.
func ReplaceAfter(d time.Duration) Option {
	return option(func(s *settings) error {
		if d < 0 || d > maxTiming {
			return fmt.Errorf("gaggle: ReplaceAfter(%v): must be from 0 to %v", d, maxTiming)
		}
		s.replace, s.replaceSet = d, true
		return nil
	})
}

// Logger receives what an operator should know, with the attributes node and cluster. The
// default, and nil, is silence.
func Logger(log *slog.Logger) Option {
	return option(func(s *settings) error {
		s.log = log
		return nil
	})
}

// A Timing says how soon nodes notice that something is wrong. It is an Option; the
// default is LAN. A field that is 0 means that of LAN, but for ElectionMax, which then is
// 5/3 of ElectionMin if that is more. Time is counted in fifths of Heartbeat, and
// ElectionMin and ElectionMax are rounded up to these. None may be above 24 h.
type Timing struct {
	// Heartbeat is the time between a leader's signs of life, 5 µs at least. The default
	// is 50 ms.
	Heartbeat time.Duration
	// ElectionMin and ElectionMax bound the time that a node waits for a leader before
	// it stands for election, drawn at random each time. A leader that does not hear a
	// majority for ElectionMin steps down. ElectionMin must be more than two heartbeats,
	// and should be well above a round trip between nodes and the longest pause of a
	// process. ElectionMax must be above it by a fifth of a heartbeat at least. The
	// defaults are 300 ms, and 500 ms or 5/3 of ElectionMin, whichever is more.
	ElectionMin, ElectionMax time.Duration
}

// Local is for nodes of one process or machine: heartbeats every 20 ms, elections after
// 100 to 200 ms. A leader is replaced in about 0.15 s.
func Local() Timing {
	return Timing{Heartbeat: 20 * time.Millisecond, ElectionMin: 100 * time.Millisecond, ElectionMax: 200 * time.Millisecond}
}

// LAN is for nodes of one network, and is the default: heartbeats every 50 ms, elections
// after 300 to 500 ms. A leader is replaced in about half a second.
func LAN() Timing {
	return Timing{Heartbeat: 50 * time.Millisecond, ElectionMin: 300 * time.Millisecond, ElectionMax: 500 * time.Millisecond}
}

// WAN is for nodes on different continents: heartbeats every 300 ms, elections after 2.5
// to 5 s. A leader is replaced in about 4 s.
func WAN() Timing {
	return Timing{Heartbeat: 300 * time.Millisecond, ElectionMin: 2500 * time.Millisecond, ElectionMax: 5000 * time.Millisecond}
}

func (t Timing) apply(s *settings) error {
	if longest := max(t.Heartbeat, t.ElectionMin, t.ElectionMax); longest > maxTiming {
		return fmt.Errorf("gaggle: Timing%+v: must have no time above %v", t, maxTiming)
	}
	def := LAN()
	if t.Heartbeat == 0 {
		t.Heartbeat = def.Heartbeat
	}
	if t.ElectionMin == 0 {
		t.ElectionMin = def.ElectionMin
	}
	if t.ElectionMax == 0 {
		t.ElectionMax = max(def.ElectionMax, t.ElectionMin*5/3)
	}
	if t.Heartbeat < ticksPerHeartbeat*time.Microsecond || t.ElectionMin <= 2*t.Heartbeat || t.ElectionMax-t.ElectionMin < t.Heartbeat/ticksPerHeartbeat {
		return fmt.Errorf("gaggle: Timing%+v: must have a Heartbeat of %d µs or more, ElectionMin above two heartbeats, "+
			"and ElectionMax above ElectionMin by 1/%d heartbeat or more", t, ticksPerHeartbeat, ticksPerHeartbeat)
	}
	s.timing = t
	return nil
}

// maxTiming is beyond what anybody waits for, and far from where sums overflow.
const maxTiming = 24 * time.Hour

// ticksPerHeartbeat is how finely time is counted. More would spread elections better
// and cost more wake-ups of an idle node.
const ticksPerHeartbeat = 5

func newSettings(function string, ch channel.Channel, options []Option) (*settings, error) {
	s := &settings{name: DefaultName, timing: LAN(), codec: JSON()}
	for _, o := range options {
		if o == nil {
			return nil, fmt.Errorf("gaggle: %s: an option is nil", function)
		}
		if err := o.apply(s); err != nil {
			return nil, err
		}
	}
	if v := reflect.ValueOf(ch); ch == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, fmt.Errorf("gaggle: %s: the channel is nil", function)
	}
	if s.size == 0 {
		return nil, fmt.Errorf("gaggle: %s: say how many nodes the cluster has, with gaggle.Size", function)
	}
	switch {
	case s.replace > 0 && s.replace <= s.timing.ElectionMax:
		return nil, fmt.Errorf("gaggle: Join: ReplaceAfter(%v) must be above Timing.ElectionMax, which is %v", s.replace, s.timing.ElectionMax)
	case s.dir != "" && s.inMemory:
		return nil, fmt.Errorf("gaggle: %s: Dir says to keep the log on a disk, and InMemory in memory: say one of them", function)
	case ch.CrossesProcesses() && !s.inMemory && s.dir == "":
		return nil, fmt.Errorf("gaggle: %s: this channel reaches other processes, and the node would keep its log in memory only, "+
			"so that a node that stops is lost to its cluster for good: say gaggle.Dir(path) to keep it on a disk, "+
			"or gaggle.InMemory() if that is what you want", function)
	}
	return s, nil
}

// replaceAfter is what ReplaceAfter says, or the default.
func (s *settings) replaceAfter() time.Duration {
	if s.replaceSet {
		return s.replace
	}
	return max(DefaultReplaceAfter, 2*s.timing.ElectionMax)
}

// home opens the directory that the node lives in; nil if it has none.
func (s *settings) home(whole bool) (*engine.Home, error) {
	if s.dir == "" {
		return nil, nil //nolint:nilnil // no home is what such a node has
	}
	dir, err := vfs.OS(s.dir)
	if err != nil {
		return nil, err
	}
	return engine.OpenHome(dir, engine.HomeConfig{
		Whole: whole,
		ID:    s.newID(), Name: s.id, Cluster: s.name, Size: s.size, Mark: randomMark(),
	})
}

// join makes a node, with a state machine unless it is nil, and attaches it, unless the context had ended.
func (s *settings) join(ended error, ch channel.Channel, machine engine.Machine) (*engine.Node, *trace.Writer, error) {
	home, err := s.home(machine == nil)
	if err != nil {
		return nil, nil, &Error{Op: "join", Node: NodeID(s.id), Err: err}
	}
	config := s.engineConfig(home)
	config.Machine = machine
	if ended != nil {
		err = &Error{Op: "join", Node: config.ID, Err: ended, Hint: "the node was not attached"}
	}
	var tracer *trace.Writer
	if err == nil {
		tracer, err = s.tracing(&config)
	}
	var e *engine.Node
	if err == nil {
		e, err = engine.New(config)
	}
	if err == nil {
		err = e.Open(ch)
	}
	if err != nil {
		if home != nil {
			_ = home.Close()
		}
		if tracer != nil {
			_ = tracer.Close()
		}
		return nil, nil, err
	}
	e.Start()
	return e, tracer, nil
}

// newID is an identity that no node has had.
func (s *settings) newID() raft.NodeID {
	return raft.NodeID(cmp.Or(s.id, randomHex(4)) + "#" + randomHex(6))
}

func (s *settings) engineConfig(home *engine.Home) engine.Config {
	tick := s.timing.Heartbeat / ticksPerHeartbeat
	ticks := func(d time.Duration) int { return int((d + tick - 1) / tick) }
	id := s.newID()
	if home != nil {
		id = home.ID()
	}
	name, _, _ := strings.Cut(string(id), "#")
	core := raft.DefaultConfig(id, randomNumber())
	core.HeartbeatTicks = ticksPerHeartbeat
	core.ElectionTicksMin = ticks(s.timing.ElectionMin)
	core.ElectionTicksMax = ticks(s.timing.ElectionMax)
	return engine.Config{
		ID:           id,
		Cluster:      s.name,
		Size:         s.size,
		TickInterval: tick,
		Raft:         core,

		ReplaceAfterTicks: ticks(s.replaceAfter()),
		Founding:          founding.Config{Name: name, Seed: randomNumber()},
		Nonce:             randomNumber(),
		Home:              home,
		Retain:            s.retain,
		Log:               s.log,
	}
}

func randomMark() (mark [16]byte) {
	_, _ = rand.Read(mark[:]) // never fails: see crypto/rand
	return mark
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails: see crypto/rand
	return hex.EncodeToString(b)
}

func randomNumber() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}
