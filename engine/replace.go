package engine

import (
	"errors"
	"log/slog"
	"slices"

	"github.com/ben-ng/gaggle/raft"
)

// replacer is a leader's care for the size of its cluster: the size stays, the members
// change. A voter that it has not heard for long gives its place to a standby, which first
// catches up as a learner. One goes at a time. That a majority is heard goes without saying:
// a leader that hears none steps down long before.
type replacer struct {
	// changing: the core was asked for a change and has not answered. It replaces silent by
	// standby, or, if they are None, only dismisses learners.
	changing        bool
	silent, standby raft.NodeID
	// tried is the standby that did not get done last; the next one is tried after it.
	tried raft.NodeID
	// notBefore is the tick of the next attempt.
	notBefore uint64
}

// tickReplacing looks after the members, at every heartbeat of a leader.
func (n *Node) tickReplacing() {
	r := &n.replacer
	if n.config.ReplaceAfterTicks == 0 || n.now%uint64(n.config.Raft.HeartbeatTicks) != 0 || r.changing || n.now < r.notBefore || !n.core.LeadsSettled() {
		return
	}
	s := n.core.Status()
	if s.Configuration.Joint() || s.ConfigurationIndex > s.Commit {
		return // a change is not finished, maybe that of another leader
	}
	silent, heard := n.listen(&s)
	voters := len(s.Configuration.Voters)
	switch {
	case silent != raft.None:
		n.replace(&s, silent)
	case heard == voters && len(s.Configuration.Learners) > 0:
		// Nobody needs them any more: who was silent is back.
		n.change(s.Configuration.Voters)
	}
}

// listen returns the voter that has been silent longest, if that is long enough, and how many
// are heard.
func (n *Node) listen(s *raft.Status) (silent raft.NodeID, heard int) {
	heard = 1 // this node
	longest := uint64(n.config.ReplaceAfterTicks) - 1
	for _, p := range s.Peers {
		if !s.Configuration.Voter(p.ID) {
			continue
		}
		if n.hears(p) {
			heard++
		} else if p.SilentTicks > longest {
			silent, longest = p.ID, p.SilentTicks
		}
	}
	return silent, heard
}

// hears reports whether a member answers.
func (n *Node) hears(p raft.PeerStatus) bool {
	return p.SilentTicks < uint64(n.config.Raft.ElectionTicksMin)
}

// replace begins to give a voter's place to somebody who waits for one.
func (n *Node) replace(s *raft.Status, silent raft.NodeID) {
	standby := n.nextStandby(s)
	if standby == raft.None {
		n.complain(slog.LevelWarn, "a member is silent, and no standby is there to take its place", silent, errNoStandby)
		return
	}
	voters := slices.Clone(s.Configuration.Voters)
	voters[slices.Index(voters, silent)] = standby
	if !n.change(voters) {
		return
	}
	n.replacer.silent, n.replacer.standby = silent, standby
	n.log.Warn("a member is silent, and a standby takes its place", slog.String("silent", string(silent)), slog.String("standby", string(standby)))
}

var errNoStandby = errors.New("a cluster that has lost a member can bear one loss less; start another node")

// nextStandby is who may take a place: first a learner, which has begun to catch up already,
// and after one that did not succeed the next. None if nobody waits.
func (n *Node) nextStandby(s *raft.Status) raft.NodeID {
	var waiting []raft.NodeID
	for _, p := range s.Peers {
		if slices.Contains(s.Configuration.Learners, p.ID) && n.hears(p) {
			waiting = append(waiting, p.ID)
		}
	}
	for _, id := range n.founder.Standbys() {
		if !s.Configuration.Member(id) {
			waiting = append(waiting, id)
		}
	}
	if len(waiting) == 0 {
		return raft.None
	}
	return waiting[(slices.Index(waiting, n.replacer.tried)+1)%len(waiting)]
}

// change asks the core for these voters and no learners, and reports whether it began.
func (n *Node) change(voters []raft.NodeID) bool {
	r := &n.replacer
	r.notBefore = n.now + uint64(n.config.Raft.ElectionTicksMax)
	if err := n.core.Step(raft.ChangeConfiguration{Voters: voters}); err != nil {
		return false // it hands over, or is not done with another change
	}
	r.changing = true
	return true
}

// changeEnded follows the core's word how a change ended. What did not succeed is tried again
// when it is due, with another standby; what another leader finishes, this one finds done.
func (n *Node) changeEnded(err error) {
	r := &n.replacer
	ended := MemberReplaced{Member: r.silent, By: r.standby, Err: err}
	*r = replacer{notBefore: n.now + uint64(n.config.Raft.ElectionTicksMax)}
	if ended.By == raft.None {
		return
	}
	attrs := []any{slog.String("silent", string(ended.Member)), slog.String("standby", string(ended.By))}
	if err == nil {
		n.log.Info("a member was replaced", attrs...)
	} else {
		r.tried = ended.By
		n.log.Warn("a member was not replaced", append(attrs, slog.Any("error", err))...)
	}
	n.published.change(func(*Status) { n.emit(ended) })
}
