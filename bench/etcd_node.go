package main

import (
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	etcd "go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// An etcdNode is one goroutine, which takes all that is waiting, and steps all proposals
// as one message.
type etcdNode struct {
	id      uint64
	raw     *etcd.RawNode
	storage *etcd.MemoryStorage
	leads   atomic.Bool

	// send gives a message away and does not wait; keep returns when its arguments are on
	// disk, and is nil where nothing is; releases free what these two need.
	send     func(*raftpb.Message)
	keep     func(*raftpb.HardState, []*raftpb.Entry) error
	releases []func()

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

func (n *etcdNode) take(p *etcdProposal) {
	n.mu.Lock()
	n.proposals = append(n.proposals, p)
	n.mu.Unlock()
	n.rouse()
}

func (n *etcdNode) receive(m *raftpb.Message) {
	n.mu.Lock()
	n.messages = append(n.messages, m)
	n.mu.Unlock()
	n.rouse()
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
	if n.id == 1 { // so that nobody waits for an election
		must(n.raw.Campaign())
		n.rouse()
	}
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
	if ready.SoftState != nil {
		n.lead(ready.RaftState == etcd.StateLeader)
	}
	leads := n.leads.Load()
	if leads { // A leader may send what it has not written yet; what others send promises that they have.
		n.sendAll(ready.Messages)
	}
	n.persist(ready)
	if !leads {
		n.sendAll(ready.Messages)
	}
	for _, e := range ready.CommittedEntries {
		if data := e.GetData(); leads && len(data) >= 8 {
			n.apply(binary.LittleEndian.Uint64(data))
		}
	}
	n.raw.Advance(ready)
}

func (n *etcdNode) lead(leads bool) {
	if n.leads.Swap(leads) && !leads {
		must(errors.New("the leader lost its office: its proposals have no answer"))
	}
}

func (n *etcdNode) sendAll(messages []*raftpb.Message) {
	for _, m := range messages {
		n.send(m)
	}
}

func (n *etcdNode) persist(ready etcd.Ready) {
	if n.keep != nil {
		must(n.keep(ready.HardState, ready.Entries))
	}
	must(n.storage.Append(ready.Entries))
	if ready.HardState != nil {
		must(n.storage.SetHardState(ready.HardState))
	}
}

func (n *etcdNode) apply(number uint64) {
	if p := n.waiting[number]; p != nil {
		delete(n.waiting, number)
		close(p.done)
	}
}
