//go:build unix

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// clusterSize is how many nodes there are: enough for two to fail, and for parts that
// neither is a majority of.
const clusterSize = 5

// settlePatience is how long the nodes may take for anything when there are no faults: far
// longer than they do, on a machine that is busy with something else, too.
const settlePatience = 3 * time.Minute

// A cluster is the nodes and what is between them.
type cluster struct {
	dir     string
	names   []string
	nodes   []*node
	network *network
	// diedAlone is told when the first process ends that nobody killed.
	diedAlone chan error
}

// newCluster makes directories and proxies, and starts nothing. What it returns has to be
// closed though there is an error.
func newCluster(dir string, withFull bool, random *rand.Rand) (*cluster, error) {
	c := &cluster{network: newNetwork(), diedAlone: make(chan error, 1)}
	var err error
	if c.dir, err = os.MkdirTemp(dir, "torture-"); err != nil {
		return c, err
	}
	for i := range clusterSize {
		c.names = append(c.names, fmt.Sprintf("n%d", i+1))
	}
	var peers []string
	for i := range c.names {
		n, err := c.newNode(i)
		if err != nil {
			return c, err
		}
		peers = append(peers, n.proxy.addr())
	}
	for _, n := range c.nodes {
		n.config.Peers = peers
	}
	if withFull {
		// A file system in memory syncs nothing, so it is that of a minority.
		for _, i := range random.Perm(clusterSize)[:1+random.IntN(2)] {
			if c.nodes[i].disk, err = mountMemoryDisk(c.nodes[i].config.Dir); err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

func (c *cluster) newNode(i int) (*node, error) {
	n := &node{number: i, diedAlone: c.diedAlone}
	n.config = nodeConfig{Name: c.names[i], Dir: filepath.Join(c.dir, c.names[i]), Size: clusterSize}
	if err := os.Mkdir(n.config.Dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	if n.log, err = os.Create(n.config.Dir + ".log"); err != nil {
		return nil, err
	}
	if n.proxy, err = newProxy(c.network, i, c.names); err != nil {
		return nil, errors.Join(err, n.log.Close())
	}
	n.config.Advertise = n.proxy.addr()
	c.nodes = append(c.nodes, n)
	n.proxy.run()
	return n, nil
}

// onMemory are the nodes whose disks can be filled.
func (c *cluster) onMemory() []*node {
	return slices.DeleteFunc(slices.Clone(c.nodes), func(n *node) bool { return n.disk == nil })
}

// start starts every node, and returns when all are members, each has heard from the leader
// what was committed, and none has a problem.
func (c *cluster) start() error {
	for _, n := range c.nodes {
		if err := n.start(); err != nil {
			return err
		}
	}
	return c.settle()
}

// settle returns when all nodes are members, each has applied what was acknowledged, and
// none has a problem. No fault may be left.
func (c *cluster) settle() error {
	return c.each(func(n *node) error {
		if _, err := n.ask(request{Do: doReady}, settlePatience); err != nil {
			return err
		}
		if _, err := n.ask(request{Do: doRead}, settlePatience); err != nil {
			return err
		}
		return n.awaitHealth()
	})
}

// each does something to all nodes at once.
func (c *cluster) each(do func(*node) error) error {
	errs := make([]error, len(c.nodes))
	var work sync.WaitGroup
	for i, n := range c.nodes {
		work.Go(func() { errs[i] = do(n) })
	}
	work.Wait()
	return errors.Join(errs...)
}

// agree returns the log once all nodes have the same; it says why, if they never will.
func (c *cluster) agree() (log []logEntry, wrong string) {
	logs := make([][]logEntry, len(c.nodes))
	for deadline := time.Now().Add(settlePatience); ; {
		err := c.each(func(n *node) error {
			more, err := n.logFrom(next(logs[n.number]))
			logs[n.number] = append(logs[n.number], more...)
			return err
		})
		if err != nil {
			return nil, err.Error()
		}
		shortest := slices.MinFunc(logs, func(a, b []logEntry) int { return len(a) - len(b) })
		same := true
		for i, other := range logs {
			if wrong := compareLogs(shortest, other, true); wrong != "" {
				return nil, fmt.Sprintf("the logs differ: that of %s: %s", c.names[i], wrong)
			}
			same = same && len(other) == len(shortest)
		}
		if same {
			return shortest, ""
		}
		if time.Now().After(deadline) {
			return nil, "the nodes do not come to the same log"
		}
	}
}

// kill kills all nodes at once.
func (c *cluster) kill() { killTogether(c.nodes) }

// close ends everything, and removes the directories unless they are to be kept.
func (c *cluster) close(keep bool) error {
	c.kill()
	var errs []error
	for _, n := range c.nodes {
		n.proxy.close()
		errs = append(errs, n.log.Close())
		if n.disk == nil {
			continue
		}
		if keep {
			errs = append(errs, os.CopyFS(n.config.Dir+"-was-in-memory", os.DirFS(n.config.Dir)))
		}
		errs = append(errs, n.disk.close())
	}
	if !keep && c.dir != "" {
		errs = append(errs, os.RemoveAll(c.dir)) //nolint:gosec // it was made by newCluster
	}
	return errors.Join(errs...)
}
