package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	hashicorp "github.com/hashicorp/raft"
	raftwal "github.com/hashicorp/raft-wal"
)

const (
	// hashicorpPool is how many idle connections are kept for each other node.
	hashicorpPool = 3
	// hashicorpTimeout is how long a transport waits for another node.
	hashicorpTimeout = 10 * time.Second
)

// openHashicorpDurable keeps the log with raft-wal and sends over TCP.
func openHashicorpDurable(dir string) (cluster, error) {
	c := &hashicorpCluster{}
	parts := make([]hashicorpParts, 3)
	for i := range parts {
		transport, err := hashicorp.NewTCPTransport("127.0.0.1:0", nil, hashicorpPool, hashicorpTimeout, io.Discard)
		if err != nil {
			return nil, err
		}
		own := filepath.Join(dir, fmt.Sprint("node", i))
		if err := os.Mkdir(own, 0o700); err != nil {
			return nil, err
		}
		store, err := raftwal.Open(own)
		if err != nil {
			return nil, err
		}
		parts[i] = hashicorpParts{transport, store}
		c.releases = append(c.releases, func() { must(transport.Close()) }, func() { must(store.Close()) })
	}
	return c.start(parts)
}
