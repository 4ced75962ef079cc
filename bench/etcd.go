package main

import (
	"encoding/binary"
	"errors"
	"io"
	"log"
	"sync"
	"sync/atomic"
	"time"

	etcd "go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

const etcdTick = 50 * time.Millisecond

// etcdCluster uses etcd's core as well as a host can: one goroutine a node, which takes
// all that is waiting, steps all proposals as one message, and hands messages over as
// pointers.
type etcdCluster struct {
	nodes  []*etcdNode
	leader *etcdNode
}

type etcdNode struct {
	id      uint64
	raw     *etcd.RawNode
	storage *etcd.MemoryStorage
	peers   []*etcdNode
	leads   atomic.Bool

	mu        sync.Mutex
	messages  []*raftpb.Message
	proposals []*etcdProposal
	wake      chan struct{}
	stop      chan struct{}
	stopped   chan struct{}

	// waiting are this node's proposals by the number in front of their values.
	waiting map[uint64]*etcdProposal
	last    uint64
}

type etcdProposal struct {
	value []byte
	done  chan struct{}
}

func openEtcd() (cluster, error) {
	c := &etcdCluster{}
	voters := []uint64{1, 2, 3}
	for _, id := range voters {
		storage := etcd.NewMemoryStorage()
		if err := storage.ApplySnapshot(foundingSnapshot(voters)); err != nil {
			return nil, err
		}
		raw, err := etcd.NewRawNode(&etcd.Config{
			ID:              id,
			ElectionTick:    6,
			HeartbeatTick:   1,
			Storage:         storage,
			MaxSizePerMsg:   1 << 20,
			MaxInflightMsgs: 256,
			CheckQuorum:     true,
			PreVote:         true,
			Logger:          &etcd.DefaultLogger{Logger: log.New(io.Discard, "", 0)},
		})
		if err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, &etcdNode{
			id: id, raw: raw, storage: storage, waiting: map[uint64]*etcdProposal{},
			wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
		})
	}
	for _, n := range c.nodes {
		n.peers = c.nodes
		go n.run()
	}
	for deadline := time.Now().Add(time.Minute); c.leader == nil; time.Sleep(time.Millisecond) {
		for _, n := range c.nodes {
			if n.leads.Load() {
				c.leader = n
			}
		}
		if time.Now().After(deadline) {
			c.close()
			return nil, errors.New("no node leads")
		}
	}
	return c, nil
}

// foundingSnapshot is a log that begins with its members.
func foundingSnapshot(voters []uint64) *raftpb.Snapshot {
	index, term := uint64(1), uint64(1)
	return &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{
		ConfState: &raftpb.ConfState{Voters: voters}, Index: &index, Term: &term,
	}}
}

func (c *etcdCluster) propose(value []byte) error {
	p := &etcdProposal{value: value, done: make(chan struct{})}
	n := c.leader
	n.mu.Lock()
	n.proposals = append(n.proposals, p)
	n.mu.Unlock()
	n.rouse()
	<-p.done
	return nil
}

func (c *etcdCluster) close() {
	for _, n := range c.nodes {
		close(n.stop)
		<-n.stopped
	}
}

func (n *etcdNode) rouse() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *etcdNode) run() {
	defer close(n.stopped)
	ticker := time.NewTicker(etcdTick)
	defer ticker.Stop()
	for {
		select {
		case <-n.stop:
			return
		case <-ticker.C:
			n.raw.Tick()
		case <-n.wake:
		}
		n.turn()
	}
}

func (n *etcdNode) turn() {
	n.mu.Lock()
	messages, proposals := n.messages, n.proposals
	n.messages, n.proposals = nil, nil
	n.mu.Unlock()
	for _, m := range messages {
		must(n.raw.Step(m))
	}
	if len(proposals) > 0 {
		n.propose(proposals)
	}
	for n.raw.HasReady() {
		n.carryOut(n.raw.Ready())
	}
}

func (n *etcdNode) propose(proposals []*etcdProposal) {
	entries := make([]*raftpb.Entry, len(proposals))
	for i, p := range proposals {
		n.last++
		n.waiting[n.last] = p
		data := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(p.value)), n.last)
		entries[i] = &raftpb.Entry{Data: append(data, p.value...)}
	}
	kind := raftpb.MsgProp
	must(n.raw.Step(&raftpb.Message{Type: &kind, From: &n.id, Entries: entries}))
}

func (n *etcdNode) carryOut(ready etcd.Ready) {
	must(n.storage.Append(ready.Entries))
	if ready.HardState != nil {
		must(n.storage.SetHardState(ready.HardState))
	}
	if ready.SoftState != nil {
		n.leads.Store(ready.RaftState == etcd.StateLeader)
	}
	for _, m := range ready.Messages {
		to := n.peers[m.GetTo()-1]
		to.mu.Lock()
		to.messages = append(to.messages, m)
		to.mu.Unlock()
		to.rouse()
	}
	for _, e := range ready.CommittedEntries {
		data := e.GetData()
		if len(data) < 8 || !n.leads.Load() {
			continue
		}
		number := binary.LittleEndian.Uint64(data)
		if p := n.waiting[number]; p != nil {
			delete(n.waiting, number)
			close(p.done)
		}
	}
	n.raw.Advance(ready)
}

// must ends a measurement that would mean nothing.
func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
