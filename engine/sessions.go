package engine

import "github.com/ben-ng/gaggle/raft"

// sessions is the replicated table that makes appends happen once (§6.3). It is a
// function of the entries applied, so it is the same on every node at the same index.
//
// It is bounded by the membership: only members have a session, one each, and it is
// closed when its node is no longer a member. Nothing is ever evicted for want of
// space or time.
type sessions struct {
	members raft.Configuration
	byID    map[uint64]*session
	byNode  map[raft.NodeID]*session
}

type session struct {
	id    uint64
	node  raft.NodeID
	nonce uint64
	// last is the serial number applied last.
	last uint64
}

func newSessions() *sessions {
	return &sessions{byID: map[uint64]*session{}, byNode: map[raft.NodeID]*session{}}
}

// A verdict says what the table makes of an append.
type verdict uint8

const (
	accepted verdict = iota
	// repeated: applied before.
	repeated
	// overtaken: something before it is missing; its node will send both again.
	overtaken
	// unknownSession: never opened, or closed.
	unknownSession
)

// judge decides on an append, and takes note of it if it counts.
func (s *sessions) judge(id, serial uint64) verdict {
	ses := s.byID[id]
	switch {
	case ses == nil:
		return unknownSession
	case serial <= ses.last:
		return repeated
	case serial > ses.last+1:
		return overtaken
	}
	ses.last = serial
	return accepted
}

// open gives a member its session, whose id is the index of the entry that opens it.
// The same process asking again gets what it has; another process of the same node
// gets a new session, and the old one is closed.
func (s *sessions) open(index raft.Index, node raft.NodeID, nonce uint64) (*session, bool) {
	if !s.members.Member(node) {
		return nil, false
	}
	if old := s.byNode[node]; old != nil {
		if old.nonce == nonce {
			return old, true
		}
		delete(s.byID, old.id)
	}
	ses := &session{id: uint64(index), node: node, nonce: nonce}
	s.byID[ses.id], s.byNode[node] = ses, ses
	return ses, true
}

// configure closes the sessions of nodes that are no longer members.
func (s *sessions) configure(conf raft.Configuration) {
	s.members = conf
	for node, ses := range s.byNode {
		if !conf.Member(node) {
			delete(s.byNode, node)
			delete(s.byID, ses.id)
		}
	}
}
