package engine

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// greeted follows another node's introduction.
func (n *Node) greeted(f *wire.Frame, hello *wire.Hello) {
	n.founder.Step(founding.Heard{From: f.From, Cluster: f.Cluster, Hello: hello})
	n.followFounding()
	n.answerMember(f, hello)
}

func (n *Node) tickFounding() {
	n.founder.Step(founding.Tick{})
	n.followFounding()
}

// waitingTicks is how often what a node waits for is put into words.
const waitingTicks = 10

// followFounding does what follows from what was heard, when what the node promises with it is
// durable.
func (n *Node) followFounding() {
	if n.promises.writing || n.failed != nil {
		return
	}
	u := n.founder.Update()
	if n.home == nil || u.Persist == nil {
		n.carryOutFounding(&u)
		return
	}
	n.promise(func() error { return n.home.promise(u.Persist, u.Activated) }, func() {
		n.carryOutFounding(&u)
		n.followFounding()
	})
}

// carryOutFounding does what an update of founding says.
func (n *Node) carryOutFounding(u *founding.Update) {
	if u.Activated != nil {
		n.activate(u.Activated)
	}
	if u.Standby != nil {
		n.standBy()
	}
	for _, problem := range u.Problems {
		n.report(problem)
	}
	for _, problem := range u.Solved {
		kind, about, _ := kindOf(problem)
		n.solved(kind, about)
	}
	if u.Broadcast != nil {
		n.greet(u.Cluster, u.Broadcast)
	}
	if u.Copied != nil {
		n.fail(fmt.Errorf("%w: %w", ErrCopied, u.Copied))
		return
	}
	if n.founder.State() != founding.Member && n.now%waitingTicks == 0 {
		waiting := n.founder.Waiting()
		n.published.change(func(s *Status) { s.Waiting = waiting })
	}
}

// standBy lets those who wait know that this node has no part in the cluster.
func (n *Node) standBy() {
	n.cluster = n.founder.Charter().Cluster
	n.setState(Standby, n.founder.Waiting())
	n.dismiss(ErrStandby, ErrStandby, n.founder.Waiting())
}

// report makes a problem that a person has to solve known.
func (n *Node) report(problem error) {
	kind, about, sentinel := kindOf(problem)
	sender := raft.NodeID(about)
	if kind == otherCluster {
		sender = problem.(*founding.TwoClustersError).Node //nolint:errorlint // as in kindOf
	}
	n.complain(slog.LevelError, "the cluster is in trouble", sender, problem)
	n.found(kind, about, n.failure("join", errors.Join(sentinel, problem), ""))
}

// kindOf says what a problem of founding is, what it is about, and what users know it by.
func kindOf(problem error) (kind problemKind, about string, sentinel error) {
	switch problem := problem.(type) { //nolint:errorlint // founding returns these types themselves
	case *founding.TwoClustersError:
		return otherCluster, problem.Theirs.String(), ErrTwoClusters
	case *founding.SizeMismatchError:
		return otherSize, string(problem.Node), ErrSizeMismatch
	case *founding.CopiedError:
		return otherProcess, string(problem.Node), ErrCopied
	}
	return otherProcess, "", problem
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
	if err == nil {
		err = n.takePart(c.Cluster, saved)
	}
	if err != nil {
		n.fail(err)
		return
	}
	// It is in the first entry too, but members may call before that is applied.
	n.sessions.configure(raft.NewConfiguration(c.Voters, nil))
	n.setState(Member, "")
}

// takePart begins with a core. A home has its log by now.
func (n *Node) takePart(cluster wire.ClusterID, saved raft.Saved) error {
	if err := n.openSnapshots(cluster); err != nil {
		return fmt.Errorf("%w: %w", ErrDisk, err)
	}
	core, err := raft.New(n.config.Raft, saved)
	if err != nil {
		return err
	}
	n.core, n.cluster = core, cluster
	n.leaderSeenAt = n.now // there was none to be heard before
	return nil
}

// setState publishes what the node is to its cluster, and what it waits for.
func (n *Node) setState(s State, waiting string) {
	n.published.change(func(p *Status) {
		changed := p.State != s
		p.State, p.Waiting, p.ClusterID = s, waiting, n.cluster
		if changed {
			n.emit(StateChanged{s})
		}
	})
	if s == Member {
		n.solved(beganAnew, "")
	}
}
