package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	hashicorp "github.com/hashicorp/raft"
)

type hashicorpCluster struct {
	nodes    []*hashicorp.Raft
	leader   *hashicorp.Raft
	releases []func()
}

// hashicorpParts is what a node is made of. A store keeps entries, term and vote.
type hashicorpParts struct {
	transport hashicorp.Transport
	store     interface {
		hashicorp.LogStore
		hashicorp.StableStore
	}
}

// openHashicorp keeps the log in memory and sends over the in-process transport.
func openHashicorp(string) (cluster, error) {
	transports := make([]*hashicorp.InmemTransport, 3)
	parts := make([]hashicorpParts, len(transports))
	for i := range transports {
		_, transports[i] = hashicorp.NewInmemTransport("")
		parts[i] = hashicorpParts{transports[i], hashicorp.NewInmemStore()}
	}
	for _, t := range transports {
		for _, other := range transports {
			if other != t {
				t.Connect(other.LocalAddr(), other)
			}
		}
	}
	return (&hashicorpCluster{}).start(parts)
}

// start begins with a node for each of the parts, and waits for a leader.
func (c *hashicorpCluster) start(parts []hashicorpParts) (cluster, error) {
	servers := make([]hashicorp.Server, len(parts))
	for i, p := range parts {
		servers[i] = hashicorp.Server{ID: hashicorp.ServerID(fmt.Sprint("node", i)), Address: p.transport.LocalAddr()}
	}
	for i, p := range parts {
		node, err := newHashicorpNode(servers[i].ID, p)
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

func newHashicorpNode(id hashicorp.ServerID, p hashicorpParts) (*hashicorp.Raft, error) {
	config := hashicorp.DefaultConfig()
	config.LocalID = id
	config.LogOutput = io.Discard
	config.MaxAppendEntries = 1024
	config.BatchApplyCh = true
	config.SnapshotThreshold = 1 << 40
	cache, err := hashicorp.NewLogCache(4096, p.store)
	if err != nil {
		return nil, err
	}
	return hashicorp.NewRaft(config, discarding{}, cache, p.store, hashicorp.NewDiscardSnapshotStore(), p.transport)
}

func (c *hashicorpCluster) propose(value []byte) error { return c.leader.Apply(value, 0).Error() }

func (c *hashicorpCluster) close() {
	for _, n := range c.nodes {
		must(n.Shutdown().Error())
	}
	for _, release := range c.releases {
		release()
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
