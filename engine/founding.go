package engine

import (
	"log/slog"

	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// greeted follows another node's introduction.
func (n *Node) greeted(f *wire.Frame, hello *wire.Hello) {
	n.founder.Step(founding.Heard{From: f.From, Cluster: f.Cluster, Hello: hello})
	n.followFounding()
}

func (n *Node) tickFounding() {
	n.founder.Step(founding.Tick{})
	n.followFounding()
}

// followFounding does what follows from what was heard.
func (n *Node) followFounding() {
	u := n.founder.Update()
	if u.Activated != nil {
		n.activate(u.Activated)
	}
	if u.Broadcast != nil {
		n.greet(u.Cluster, u.Broadcast)
	}
}

// greet introduces this node to all.
func (n *Node) greet(cluster wire.ClusterID, hello *wire.Hello) {
	frame := wire.Frame{Cluster: cluster, From: n.config.ID, Messages: []any{hello}}
	bytes, err := wire.AppendFrame(nil, &frame)
	if err != nil {
		n.log.Error("an introduction could not be encoded", slog.Any("error", err))
		return
	}
	if err := n.port.Broadcast(bytes); err != nil {
		n.dropped++
	}
}

// activate begins to take part in the cluster that a charter founds.
func (n *Node) activate(c *founding.Charter) {
	saved, err := raft.Found(c.Voters)
	if err != nil {
		n.fail(err)
		return
	}
	core, err := raft.New(n.config.Raft, saved)
	if err != nil {
		n.fail(err)
		return
	}
	n.core = core
	n.cluster = c.Cluster
	n.setState(Member, "")
}

// setState publishes what the node is to its cluster, and what it waits for.
func (n *Node) setState(s State, waiting string) {
	p := &n.published
	p.mu.Lock()
	changed := p.State != s
	p.State, p.Waiting, p.ClusterID = s, waiting, n.cluster
	p.mu.Unlock()
	if changed {
		n.emit(StateChanged{s})
	}
}
