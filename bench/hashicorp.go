package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	hashicorp "github.com/hashicorp/raft"
)

// hashicorpCluster keeps its log in memory and sends over its in-process transport.
type hashicorpCluster struct {
	nodes  []*hashicorp.Raft
	leader *hashicorp.Raft
}

func openHashicorp() (cluster, error) {
	c := &hashicorpCluster{}
	transports := make([]*hashicorp.InmemTransport, 3)
	servers := make([]hashicorp.Server, len(transports))
	for i := range transports {
		servers[i].ID = hashicorp.ServerID(fmt.Sprint("node", i))
		servers[i].Address, transports[i] = hashicorp.NewInmemTransport("")
	}
	for i, t := range transports {
		for _, other := range transports {
			if other != t {
				t.Connect(other.LocalAddr(), other)
			}
		}
		config := hashicorp.DefaultConfig()
		config.LocalID = servers[i].ID
		config.LogOutput = io.Discard
		config.MaxAppendEntries = 1024
		config.BatchApplyCh = true
		config.SnapshotThreshold = 1 << 40
		store := hashicorp.NewInmemStore()
		cache, err := hashicorp.NewLogCache(4096, store)
		if err != nil {
			return nil, err
		}
		node, err := hashicorp.NewRaft(config, discarding{}, cache, store, hashicorp.NewDiscardSnapshotStore(), t)
		if err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, node)
	}
	if err := c.nodes[0].BootstrapCluster(hashicorp.Configuration{Servers: servers}).Error(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(time.Minute); c.leader == nil; time.Sleep(time.Millisecond) {
		for _, n := range c.nodes {
			if n.State() == hashicorp.Leader {
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

func (c *hashicorpCluster) propose(value []byte) error { return c.leader.Apply(value, 0).Error() }

func (c *hashicorpCluster) close() {
	for _, n := range c.nodes {
		must(n.Shutdown().Error())
	}
}

// discarding is a state machine without a state, which takes whole batches.
type discarding struct{}

func (discarding) Apply(*hashicorp.Log) any { return nil }

func (discarding) ApplyBatch(logs []*hashicorp.Log) []any { return make([]any, len(logs)) }

func (discarding) Snapshot() (hashicorp.FSMSnapshot, error) {
	return nil, errors.New("there is nothing to keep")
}

func (discarding) Restore(r io.ReadCloser) error { return r.Close() }
