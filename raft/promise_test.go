package raft

import "fmt"

// brokenPromise reports what a message says that its sender's disk does not hold at the
// moment it leaves: after a crash the sender would not know of it (§3.8). Requests of
// pre-votes, and their grants, promise nothing.
func brokenPromise(disk *Saved, m Message) string {
	end := disk.end()
	vote := None
	switch b := m.Body.(type) {
	case *RequestVote:
		if b.PreVote {
			return ""
		}
		vote = m.From
	case *VoteReply:
		if b.PreVote && b.Granted {
			return ""
		}
		if b.Granted {
			vote = m.To
		}
	case *AppendReply:
		if !b.Rejected && b.Index > end {
			return fmt.Sprintf("%s tells %s that it has entry %d, its disk ends at %d", m.From, m.To, b.Index, end)
		}
	}
	hard := disk.HardState
	if m.Term != hard.Term || vote != None && vote != hard.VotedFor {
		return fmt.Sprintf("%s says %s to %s, its disk has term %d and a vote for %q", m.From, showMessage(m), m.To, hard.Term, hard.VotedFor)
	}
	return ""
}
