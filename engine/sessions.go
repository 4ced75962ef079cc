package engine

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/ben-ng/gaggle/raft"
)

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
// The same process asking again gets what it has; a later process of the same node, which
// has a higher nonce, gets a new session, and the old one is closed. What an earlier one
// asked for may come late, and opens nothing.
func (s *sessions) open(index raft.Index, node raft.NodeID, nonce uint64) (*session, bool) {
	if !s.members.Member(node) {
		return nil, false
	}
	if old := s.byNode[node]; old != nil {
		if old.nonce == nonce {
			return old, true
		}
		if nonce < old.nonce {
			return nil, false
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

// clone is a copy that shares nothing.
func (s *sessions) clone() *sessions {
	c := newSessions()
	c.members = s.members.Clone()
	for id, ses := range s.byID {
		copied := *ses
		c.byID[id], c.byNode[ses.node] = &copied, &copied
	}
	return c
}

// appendBinary appends the members, the number of sessions and, for each, by rising id: id,
// nonce and last serial as varints, and the node's id behind its length. Equal tables have
// equal encodings.
func (s *sessions) appendBinary(b []byte) []byte {
	conf, err := s.members.AppendBinary(nil)
	if err != nil { // only configurations that were decoded, or validated, get here
		conf = nil
	}
	b = appendBytes(b, conf)
	b = binary.AppendUvarint(b, uint64(len(s.byID)))
	for _, id := range slices.Sorted(maps.Keys(s.byID)) {
		ses := s.byID[id]
		b = binary.AppendUvarint(b, ses.id)
		b = binary.AppendUvarint(b, ses.nonce)
		b = binary.AppendUvarint(b, ses.last)
		b = appendBytes(b, []byte(ses.node))
	}
	return b
}

var errNoSessions = errors.New("the sessions are malformed")

// decodeSessions reads what appendBinary wrote, and returns what follows it.
func decodeSessions(b []byte) (*sessions, []byte, error) {
	s := newSessions()
	conf, b, err := sized(b)
	if err != nil {
		return nil, nil, err
	}
	if err := s.members.UnmarshalBinary(conf); err != nil {
		return nil, nil, err
	}
	count, b, err := uvarint(b)
	if err != nil || count > uint64(len(b)) {
		return nil, nil, errNoSessions
	}
	last := uint64(0)
	for range count {
		ses := &session{}
		for _, field := range []*uint64{&ses.id, &ses.nonce, &ses.last} {
			if *field, b, err = uvarint(b); err != nil {
				return nil, nil, err
			}
		}
		var node []byte
		if node, b, err = sized(b); err != nil {
			return nil, nil, err
		}
		ses.node = raft.NodeID(node)
		if ses.id <= last || !s.members.Member(ses.node) || s.byNode[ses.node] != nil {
			return nil, nil, errNoSessions
		}
		last = ses.id
		s.byID[ses.id], s.byNode[ses.node] = ses, ses
	}
	return s, b, nil
}

// appendBytes appends bytes behind their length.
func appendBytes(b, data []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(data))), data...)
}

// sized reads what appendBytes wrote, and returns what follows it.
func sized(b []byte) (data, rest []byte, err error) {
	length, b, err := uvarint(b)
	if err != nil || length > uint64(len(b)) {
		return nil, nil, errors.New("a length is malformed")
	}
	return b[:length], b[length:], nil
}
