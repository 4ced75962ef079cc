package engine

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
	"github.com/ben-ng/gaggle/wire"
)

// Config says what a node is and how it behaves.
type Config struct {
	// ID is the node's identity, never used before and never to be used again.
	ID raft.NodeID
	// Cluster is the name that the cluster's nodes share, Size how many voters it has.
	Cluster string
	Size    int
	// TickInterval is the length of a tick; every timeout is in ticks.
	TickInterval time.Duration
	// Raft is the core's configuration; its ID is replaced by the node's.
	Raft raft.Config
	// Founding are the timeouts of founding; ID, Cluster and Size are replaced.
	Founding founding.Config
	// ReplaceAfterTicks is how long a leader does not hear a voter until it has a standby take
	// its place: 0 for never, or more than the longest election timeout.
	ReplaceAfterTicks int
	// Nonce tells this process from others of the same node. Of a node with a home, its
	// upper half is replaced by the number of its starts, so that it rises.
	Nonce uint64
	// Home is the node's directory, which it closes with itself; nil keeps everything in
	// memory. ID must be the home's.
	Home *Home
	// Storage does the work on the disk; nil is goroutines, one for each lane.
	Storage Storage
	// Machine is what the values are applied to; nil, and the node is a plain log.
	Machine Machine
	// Retain is how many entries of a plain log stay, at least; 0 keeps them all.
	Retain raft.Index
	// CheckpointBytes is how much of the log is applied between two snapshots, at least,
	// TailBytes how much of it stays in memory for peers and readers if it is on a disk
	// too, and SnapshotRate how many bytes a second are sent of snapshots. 0 is a default.
	CheckpointBytes, TailBytes, SnapshotRate int
	// Log is told what an operator should know; nil is silence.
	Log *slog.Logger
}

// Node is one node of a cluster. Its exported methods are safe for concurrent use,
// except Turn, Work, Tick, Open and Core, which belong to whoever drives the node: Start,
// or a simulator.
type Node struct {
	config Config
	log    *slog.Logger
	inbox  *inbox
	port   channel.Port

	// What follows belongs to the turn.
	now uint64
	// taken is what the turn has taken and not yet dealt with.
	taken    input
	founder  *founding.Founder
	promises promises
	core     *raft.Core
	// durable is what the storage calls: n.writeDurable, made once.
	durable func(uint64, error)
	home    *Home
	// snapshots are in the home, or in memory.
	snapshots *snapshot.Store
	cluster   wire.ClusterID
	// applied is the index applied last; sessions is the state at it.
	applied  raft.Index
	sessions *sessions
	// applier takes what is applied to the state machine; nil if there is none.
	applier  *applier
	proposer proposer
	reader   reader
	caller   caller
	outbox   outbox
	// items, resolved, served collect what the turn makes known at its end.
	items       []Item
	left        []raft.Index // appends that were skipped
	resolved    []*Proposal
	served      []*readWaiter
	feedApplied raft.Index
	// settled are the proposals and requests that need no room any more.
	settledProposals, settledRequests load
	// onceWaiting are handlers' appends that are not in the log yet.
	onceWaiting     []*Proposal
	dropped         uint64
	memberStatusDue bool
	// crowded: the last turn applied more than one entry, or served more than one read.
	crowded      bool
	leaderSeenAt uint64
	failed       error
	// ended: the status says that the node is stopped, and that is the last word; then down
	// is closed.
	ended       bool
	down        chan struct{}
	complaints  complaints
	problems    problems
	diskFull    bool
	tail        tail
	backlog     backlog
	checkpoints checkpoints
	awaiting    *awaitedLog
	sendings    sendings
	backups     backups
	receiving   receiving
	mending     mending
	divergence  divergence
	scrubber    scrubber
	replacer    replacer
	// retired is the index of a committed configuration without this node, which it was told
	// of as it does not get the log that says so; 0 if it was not.
	retired raft.Index

	// decoders and proposals are used again, as there is one for each frame and append.
	// They are not part of the node, and know no node, because the runtime keeps what is
	// in pools, and what they are part of, through one collection more: a whole log.
	decoders, proposals *sync.Pool
	refusedFrames       atomic.Uint64
	// backupTokens numbers the backups that are made from within the process.
	backupTokens atomic.Uint64
	feed         Feed
	watchers     watchers
	published    published
	handlersMu   sync.Mutex
	handlers     map[string]Handler
	// stopping asks the loop to end; stopped is closed when it has.
	stopping   atomic.Bool
	stopped    chan struct{}
	closeOnce  sync.Once
	closeErr   error
	started    atomic.Bool
	background sync.WaitGroup
}

// New makes a node that is not yet attached to a channel.
func New(config Config) (*Node, error) {
	config.Raft.ID = config.ID
	if config.Home != nil {
		config.Nonce = config.Home.Starts()<<32 | config.Nonce&(1<<32-1)
	}
	if err := config.Raft.Validate(); err != nil {
		return nil, err
	}
	if config.Raft.MaxMessageBytes > wire.EntriesCapacity {
		return nil, fmt.Errorf("engine: Config.Raft.MaxMessageBytes is %d, a frame holds %d at most", config.Raft.MaxMessageBytes, wire.EntriesCapacity)
	}
	if config.TickInterval <= 0 {
		return nil, fmt.Errorf("engine: Config.TickInterval is %v, must be more than 0", config.TickInterval)
	}
	if after := config.ReplaceAfterTicks; after != 0 && after <= config.Raft.ElectionTicksMax {
		return nil, fmt.Errorf("engine: Config.ReplaceAfterTicks is %d, must be 0 or more than Raft.ElectionTicksMax (%d)", after, config.Raft.ElectionTicksMax)
	}
	config.Founding.ID, config.Founding.Cluster, config.Founding.Size = config.ID, config.Cluster, config.Size
	founder, err := newFounder(&config)
	if err != nil {
		return nil, err
	}
	if err := config.setStorage(); err != nil {
		return nil, err
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	n := &Node{
		config:   config,
		log:      config.Log.With(slog.String("node", string(config.ID)), slog.String("cluster", config.Cluster)),
		inbox:    newInbox(),
		founder:  founder,
		sessions: newSessions(),
		proposer: newProposer(config.Nonce),
		reader:   reader{tokens: config.numbersFrom(), sources: map[uint64]readSource{}},
		caller:   caller{ids: config.numbersFrom(), open: map[uint64]*call{}, seen: map[raft.NodeID]*callsSeen{}},
		handlers: map[string]Handler{},
		stopped:  make(chan struct{}),
		down:     make(chan struct{}),

		complaints: newComplaints(config.TickInterval),
		home:       config.Home,
		sendings:   sendings{all: map[raft.NodeID]*sending{}},
		divergence: divergence{heard: map[raft.NodeID][]stateSum{}},
		mending:    mending{answering: map[raft.NodeID]bool{}},

		decoders:  &sync.Pool{New: func() any { return new(decoding) }},
		proposals: &sync.Pool{New: func() any { return newProposal() }},
	}
	n.durable = n.writeDurable
	if config.Machine != nil {
		n.applier = newApplier(n, config.Machine)
	}
	n.watchers.all = map[*Watcher]struct{}{}
	n.published.Status = Status{ID: config.ID, Cluster: config.Cluster, Size: config.Size}
	if config.Home != nil {
		return n, n.comeHome()
	}
	return n, nil
}

// Open attaches the node to a channel.
func (n *Node) Open(ch channel.Channel) error {
	port, err := ch.Open(channel.Self{ID: n.config.ID, Cluster: n.config.Cluster, Log: n.log}, receiver{n})
	if err != nil {
		return n.failure("join", err, cmp.Or(hintOf(err), "the node is not attached; see to the channel's address, or choose another"))
	}
	n.port = port
	return nil
}

// receiver is the channel's side of a node.
type receiver struct{ *Node }

// decoding is what it takes to decode one frame.
type decoding struct {
	decoder wire.Decoder
	frame   wire.Frame
}

// Receive decodes a frame, here and not in the turn, so that connections decode side
// by side, and leaves it for the next turn. A frame that makes it panic is refused, so
// that the connection it came on ends, and not the process.
func (r receiver) Receive(bytes []byte) (err error) {
	n := r.Node
	defer func() {
		if p := recover(); p != nil {
			n.refusedFrames.Add(1)
			err = fmt.Errorf("engine: a frame could not be taken: %w", panicked(p))
		}
	}()
	d := n.decoders.Get().(*decoding)
	if err := d.decoder.Decode(bytes, &d.frame); err != nil {
		n.decoders.Put(d)
		n.refusedFrames.Add(1)
		return err
	}
	if d.frame.From == n.config.ID && !introduces(&d.frame) || d.frame.To != raft.None && d.frame.To != n.config.ID || d.frame.Group != 0 {
		n.decoders.Put(d)
		n.refusedFrames.Add(1)
		return nil
	}
	if !n.inbox.putFrame(d, len(bytes)) {
		n.decoders.Put(d)
	}
	return nil
}

// introduces reports whether a frame is a hello. One under this node's own id is either its
// own, which has come back to it, or that of a process which lives in a copy of its directory.
func introduces(f *wire.Frame) bool {
	if len(f.Messages) != 1 {
		return false
	}
	_, hello := f.Messages[0].(*wire.Hello)
	return hello
}

// Unreachable tells the next turn that messages to a node may be lost.
func (r receiver) Unreachable(id raft.NodeID) {
	_ = r.inbox.put(func(in *input) error {
		if len(in.unreachable) < maxPeersKept {
			in.unreachable = append(in.unreachable, id)
		}
		return nil
	})
}

// Tick lets the next turn know that time has passed.
func (n *Node) Tick() {
	_ = n.inbox.put(func(in *input) error {
		// A node that was held up must not rush through what it missed: others would
		// see the same time pass only once.
		in.ticks = min(in.ticks+1, maxTicksPerTurn)
		return nil
	})
}

// maxTicksPerTurn is how many ticks a turn makes up for.
const maxTicksPerTurn = 2

// Core is the node's part in Raft, to be looked at between turns; nil as long as the
// node has never been a member of a cluster, or a standby on its way to become one.
func (n *Node) Core() *raft.Core { return n.core }

// do runs a function within the next turn.
func (n *Node) do(task func()) error {
	return n.inbox.put(func(in *input) error {
		in.tasks = append(in.tasks, task)
		return nil
	})
}

// Ready returns when the node is a member and knows a leader, so that an Append would
// go ahead; then it does so whatever the context. Errors: that of the context; ErrStandby,
// ErrClosed.
func (n *Node) Ready(ctx context.Context) error {
	for {
		w := n.Watch()
		s := n.Status()
		err := error(nil)
		switch {
		case s.State == Member && s.Leader != raft.None:
			w.Stop()
			return nil
		case s.State == Standby:
			err = n.failure("join", ErrStandby, s.Waiting)
		case s.State == Stopped:
			err = n.failure("join", ErrClosed, "")
		}
		if err == nil {
			_, ok := w.Next(ctx)
			if !ok && ctx.Err() != nil {
				err = n.failure("join", ctx.Err(), n.whyNoLeader())
			}
		}
		w.Stop()
		if err != nil {
			return err
		}
	}
}

// Feed is the sequence of values that this node has applied.
func (n *Node) Feed() *Feed { return &n.feed }

// ID is the node's identity.
func (n *Node) ID() raft.NodeID { return n.config.ID }
