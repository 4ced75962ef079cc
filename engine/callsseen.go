package engine

import "github.com/ben-ng/gaggle/raft"

// A callState is what a leader knows of a call that it was asked to run.
type callState uint8

const (
	callNew callState = iota
	// callRefused: it was not run, and will never be.
	callRefused
	callRunning
	// callRan: it was run, or is too old to tell.
	callRan
)

// callWindow is how far behind a node's latest call another one of it may be and still
// be run.
const callWindow = 1 << 12

// callsSeen are the calls of one node that this one has been asked to run. A channel may
// repeat a message, also long after, and a caller asks again when it hears nothing; a
// handler must not run twice for it.
type callsSeen struct {
	latest uint64
	states map[uint64]callState
}

func (s *callsSeen) state(id uint64) callState {
	state := s.states[id]
	if state == callNew && id+callWindow <= s.latest {
		return callRan
	}
	return state
}

// note remembers the state of a call, and forgets old ones that do not run.
func (s *callsSeen) note(id uint64, state callState) {
	s.latest = max(s.latest, id)
	s.states[id] = state
	if len(s.states) <= 2*callWindow+maxRunningCalls {
		return
	}
	for old, state := range s.states {
		if old+callWindow <= s.latest && state != callRunning {
			delete(s.states, old)
		}
	}
}

// callsOf returns what is known of the calls of a node, nil for one that may not call.
// Only members may, which bounds what has to be remembered.
func (n *Node) callsOf(from raft.NodeID) *callsSeen {
	s := n.caller.seen[from]
	if s == nil && (from == n.config.ID || n.sessions.members.Member(from)) {
		s = &callsSeen{states: map[uint64]callState{}}
		n.caller.seen[from] = s
	}
	return s
}
