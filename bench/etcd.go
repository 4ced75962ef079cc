package main

import (
	"errors"
	"io"
	"log"
	"time"

	etcd "go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

const etcdTick = 50 * time.Millisecond

// etcdCluster uses etcd's core as well as a host can: see etcdNode.
type etcdCluster struct {
	nodes  []*etcdNode
	leader *etcdNode
}

// openEtcd keeps the log in memory, and hands messages over as pointers.
func openEtcd(string) (cluster, error) { return newEtcdCluster((*etcdNode).handOver) }

// handOver lets a node give its messages to the others directly.
func (n *etcdNode) handOver(all []*etcdNode) error {
	n.send = func(m *raftpb.Message) { all[m.GetTo()-1].receive(m) }
	return nil
}

// newEtcdCluster starts three nodes, once equip has given each what it sends with, and
// where it keeps its log.
func newEtcdCluster(equip func(n *etcdNode, all []*etcdNode) error) (cluster, error) {
	c := &etcdCluster{}
	voters := []uint64{1, 2, 3}
	for _, id := range voters {
		n, err := newEtcdNode(id, voters)
		if err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, n)
	}
	for _, n := range c.nodes {
		if err := equip(n, c.nodes); err != nil {
			return nil, err
		}
	}
	for _, n := range c.nodes {
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

func newEtcdNode(id uint64, voters []uint64) (*etcdNode, error) {
	storage := etcd.NewMemoryStorage()
	if err := storage.ApplySnapshot(foundingSnapshot(voters)); err != nil {
		return nil, err
	}
	raw, err := etcd.NewRawNode(&etcd.Config{
		ID: id,
		// A second, as etcd itself has it: an fsync on a busy disk may take long.
		ElectionTick:    20,
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
	return &etcdNode{
		id: id, raw: raw, storage: storage, waiting: map[uint64]*etcdProposal{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
	}, nil
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
	c.leader.take(p)
	<-p.done
	return nil
}

func (c *etcdCluster) close() {
	for _, n := range c.nodes {
		close(n.stop)
		<-n.stopped
	}
	for _, n := range c.nodes {
		for _, release := range n.releases {
			release()
		}
	}
}

// must ends a measurement that would mean nothing.
func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
