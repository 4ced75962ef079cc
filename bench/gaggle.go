package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/channel/tcp"
)

type gaggleCluster struct {
	nodes  []*gaggle.Node[[]byte]
	leader *gaggle.Node[[]byte]
}

// openGaggle gives each node its channel, by its kind, and what keep says about where its
// log is.
func openGaggle(kind string, keep func(dir string, number int) gaggle.Option) func(string) (cluster, error) {
	return func(dir string) (cluster, error) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		c := &gaggleCluster{}
		meet := meeting(kind)
		for number := range clusterSize {
			n, err := gaggle.Join[[]byte](ctx, meet(), gaggle.Size(clusterSize), keep(dir, number))
			if err != nil {
				c.close()
				return nil, err
			}
			c.nodes = append(c.nodes, n)
		}
		for _, n := range c.nodes {
			if err := n.Ready(ctx); err != nil {
				c.close()
				return nil, err
			}
			if n.Status().Leader == n.ID() {
				c.leader = n
			}
		}
		if c.leader == nil {
			c.close()
			return nil, errors.New("no node leads")
		}
		return c, nil
	}
}

func keepInMemory(string, int) gaggle.Option { return gaggle.InMemory() }

func keepOnDisk(dir string, number int) gaggle.Option {
	return gaggle.Dir(filepath.Join(dir, fmt.Sprint("node", number)))
}

// meeting gives each node its channel.
func meeting(kind string) func() channel.Channel {
	if kind == "memory" {
		ch := memory.New()
		return func() channel.Channel { return ch }
	}
	var places []string
	return func() channel.Channel {
		ch := tcp.New("127.0.0.1:0", places...)
		return addressed{ch, &places}
	}
}

// addressed lets those that come later know where a channel listens.
type addressed struct {
	*tcp.Channel
	places *[]string
}

func (a addressed) Open(self channel.Self, r channel.Receiver) (channel.Port, error) {
	port, err := a.Channel.Open(self, r)
	if err == nil {
		*a.places = append(*a.places, a.Addr())
	}
	return port, err
}

func (c *gaggleCluster) propose(value []byte) error {
	_, err := c.leader.Append(context.Background(), value)
	return err
}

func (c *gaggleCluster) close() {
	for _, n := range c.nodes {
		_ = n.Close()
	}
}
