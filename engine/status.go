package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A State says what a node is to its cluster.
type State uint8

const (
	// Founding: the node looks for a cluster, or for enough others to found one.
	Founding State = iota
	// Member: the node takes part in the cluster.
	Member
	// Standby: the cluster has all its members; the node waits for a place, which it gets
	// when one of them has been silent for long, and may lose again.
	Standby
	// Stopped: the node was closed, or stopped itself, which Status.Problem says.
	Stopped
)

func (s State) String() string {
	return [...]string{"founding", "member", "standby", "stopped"}[s]
}

// Status says how a node stands. It is a copy.
type Status struct {
	// ID is what Config.ID says.
	ID raft.NodeID
	// State is what the node is to its cluster.
	State State
	// Waiting says, while founding or standing by, for what, in words.
	Waiting string
	// Cluster is the name all nodes share; ClusterID tells clusters of that name apart,
	// zero until the node knows one.
	Cluster   string
	ClusterID wire.ClusterID
	// Size is how many voters the cluster was to be founded with.
	Size int

	// Role is Follower while the node is no member.
	Role raft.Role
	// Term is the latest term that the node knows, 0 while it knows none, and Leader
	// the one who leads it, None while that is not known and while the node is no member.
	Term   raft.Term
	Leader raft.NodeID
	// Commit is the highest index known to be committed, Applied the highest applied.
	Commit, Applied raft.Index
	// MachineApplied is the index up to which the state machine has applied the log, which
	// is Applied or behind it; 0 if there is none.
	MachineApplied raft.Index
	// Configuration is the one in effect, which need not be committed yet; empty before the
	// node gets the log. That of a standby may be old.
	Configuration raft.Configuration
	// Members are the members of the configuration, sorted by id.
	Members []MemberStatus
	// LeaderSilent is how long ago a leader was last known, or, if none ever was, how long
	// the node has been a member; as of the last heartbeat, or of what changed since.
	LeaderSilent time.Duration
	// Problem is what needs somebody now, in an *Error; nil if nothing does. Of several, it is
	// the gravest: ErrTwoClusters, ErrCopied, ErrDiverged, ErrDamaged, ErrDiskFull,
	// ErrDiskHangs, ErrDisk or ErrMachine for a snapshot that could not be made,
	// ErrSizeMismatch. It goes when its cause has gone: what only others show, as a second
	// cluster, when none of them has been heard for a while. Of a node that has stopped, it is
	// what that stopped for: ErrDisk, ErrCopied, ErrMachine, ErrDiverged or ErrInvariant.
	Problem error
	// DiskFull: there is no room for what the node has to write. It goes on when there is.
	DiskFull bool
	// Dropped counts frames that the channel did not take or that did not fit into the
	// inbox. Refused counts frames that were malformed or not meant for this node, and
	// messages in others that no correct member sends: that the core refuses, or with
	// proposals that do not decode. Both count from the node's start.
	Dropped, Refused uint64
}

// MemberStatus is what a node knows of a member. Only the leader knows more than that
// it is one.
type MemberStatus struct {
	ID raft.NodeID
	// Voter is false for learners.
	Voter bool
	// Match is the index up to which the member's log is known to equal the leader's,
	// and Silent how long ago it answered: on the leader only, and as of its last
	// heartbeat, so that Match may be below Status.Commit.
	Match  raft.Index
	Silent time.Duration
}

// published is the part of the status that turns keep and others read.
type published struct {
	mu sync.Mutex
	Status
}

// change changes the status under its lock, which a panic in it must not leave locked.
func (p *published) change(f func(*Status)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.Status)
}

// Status says how the node stands as of its last turn. It never blocks for long.
func (n *Node) Status() Status {
	n.published.mu.Lock()
	s := n.published.Status
	n.published.mu.Unlock()
	s.Members, s.Configuration = slices.Clone(s.Members), s.Configuration.Clone()
	n.inbox.mu.Lock()
	s.Dropped += n.inbox.dropped
	n.inbox.mu.Unlock()
	s.Refused = n.refusedFrames.Load()
	if n.applier != nil {
		// A snapshot may have brought it further than the turn has got.
		s.MachineApplied = min(raft.Index(n.applier.reached.Load()), s.Applied)
	}
	return s
}

// publishStatus lets others see where the turn has led to, and tells watchers. The events
// are given out under the lock of the status, so that who has seen the status and then
// begins to watch hears of what comes after it, and who hears of something finds it there.
func (n *Node) publishStatus() {
	if n.core == nil {
		n.published.change(func(s *Status) { s.Dropped = n.dropped })
		return
	}
	role, term, leader := n.leadership()
	if leader != raft.None {
		n.leaderSeenAt = n.now
	}
	n.published.change(func(p *Status) {
		before := *p
		p.Commit, p.Applied, p.Dropped = n.core.Commit(), n.applied, n.dropped
		if before.Role != role || before.Term != term || before.Leader != leader || n.memberStatusDue {
			n.memberStatusDue = false
			n.fillStatus(p)
			n.tellChanges(&before, p)
		}
		if before.Applied != n.applied && n.watchers.watched() {
			n.emit(Committed{n.applied})
		}
	})
}

// tellChanges tells watchers what a status has that the one before it had not.
func (n *Node) tellChanges(before, now *Status) {
	if !now.Configuration.Equal(before.Configuration) {
		n.emit(MembersChanged{now.Configuration.Clone()})
	}
	if before.Role != now.Role {
		n.emit(RoleChanged{now.Role, now.Term})
	}
	if now.Leader != raft.None && (before.Leader != now.Leader || before.Term != now.Term) {
		n.emit(LeaderElected{now.Leader, now.Term})
	}
}

// leadership is the core's, as others are shown it: a standby may have heard a leader, and
// follows none.
func (n *Node) leadership() (raft.Role, raft.Term, raft.NodeID) {
	role, term, leader := n.core.Leadership()
	if n.founder.State() != founding.Member {
		return raft.Follower, term, raft.None
	}
	return role, term, leader
}

func (n *Node) fillStatus(p *Status) {
	s := n.core.Status()
	p.Role, p.Term, p.Leader = n.leadership()
	p.Configuration = s.Configuration
	p.LeaderSilent = n.ticks(n.now - n.leaderSeenAt)
	p.Members = p.Members[:0:0]
	for _, id := range s.Configuration.Members() {
		m := MemberStatus{ID: id, Voter: s.Configuration.Voter(id)}
		if id == n.config.ID {
			m.Match = s.Durable
		}
		for _, peer := range s.Peers {
			if peer.ID == id {
				m.Match, m.Silent = peer.Match, n.ticks(peer.SilentTicks)
			}
		}
		p.Members = append(p.Members, m)
	}
}

// ticks is a number of ticks as time.
func (n *Node) ticks(count uint64) time.Duration {
	return time.Duration(count) * n.config.TickInterval
}

// failure makes the error of an operation of this node.
func (n *Node) failure(op string, err error, hint string) error {
	if inner, ok := err.(*Error); ok { //nolint:errorlint // why the node is closed: said once, for what was attempted now
		err, hint = inner.Err, cmp.Or(hint, inner.Hint)
	}
	n.published.mu.Lock()
	term := n.published.Term
	n.published.mu.Unlock()
	return &Error{Op: op, Node: n.config.ID, Term: term, Err: err, Hint: cmp.Or(hint, hintOf(err))}
}

// tooLarge makes the error of a value, or of arguments, of so many bytes.
func (n *Node) tooLarge(op string, bytes int) error {
	return n.failure(op, ErrTooLarge, sizeHint(bytes)+"; split it, or keep it elsewhere and say where")
}

func sizeHint(bytes int) string {
	return fmt.Sprintf("it has %d bytes, the most is %d", bytes, MaxValue)
}

// hintOf says what to do next after an error about which there is no more to say.
func hintOf(err error) string {
	switch {
	case errors.Is(err, ErrInvariant):
		return brokenHint
	case errors.Is(err, ErrCopied):
		return "use the directory that was started last, and no other"
	case errors.Is(err, ErrDiverged):
		return divergedHint
	case errors.Is(err, ErrDisk):
		return "what it has acknowledged is on its disk or on those of others; see to the disk, and start the node again, " +
			"which trusts only what it can read back"
	case errors.Is(err, ErrMachine):
		return machineHint
	case errors.Is(err, ErrClosed):
		return "a node that was closed stays so; join anew"
	case errors.Is(err, ErrBusy):
		return "wait for some of what is in flight"
	case errors.Is(err, channel.ErrInUse):
		return "the channel has room for one node: close that, or make another channel"
	case errors.Is(err, ErrTwoClusters):
		return "choose one, and start the nodes of the other anew"
	case errors.Is(err, ErrSizeMismatch):
		return "start those with the wrong size anew"
	}
	return ""
}

// gaveUp makes the error of an operation that its caller stopped to wait for, when it
// had had no effect.
func (n *Node) gaveUp(op string, cause error, hint string) error {
	s := n.Status()
	if s.State == Member && s.Leader == raft.None && s.LeaderSilent >= n.ticks(uint64(2*n.config.Raft.ElectionTicksMax)) {
		cause = errors.Join(ErrQuorumLost, cause)
	}
	return n.failure(op, cause, hint+"; "+n.whyNoLeader())
}

// whyNoLeader says in words why nothing may have happened.
func (n *Node) whyNoLeader() string {
	s := n.Status()
	switch {
	case s.State != Member:
		return s.Waiting
	case s.Leader != raft.None:
		return fmt.Sprintf("%s leads term %d", s.Leader, s.Term)
	}
	return fmt.Sprintf("no leader is known; %d of %d voters must reach each other", len(s.Configuration.Voters)/2+1, len(s.Configuration.Voters))
}
