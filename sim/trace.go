package sim

import (
	"fmt"
	"io"
	"math/bits"
	"time"

	"github.com/ben-ng/gaggle/raft"
)

// trace is what happened: always as a hash, and in words if somebody wants to read it.
type trace struct {
	hash uint64
	out  io.Writer
}

const hashFactor = 0x9e3779b97f4a7c15

func (t *trace) add(values ...uint64) {
	h := t.hash
	for _, v := range values {
		h = bits.RotateLeft64((h^v)*hashFactor, 29)
	}
	t.hash = h
}

func (t *trace) told() bool { return t.out != nil }

// line tells what happened. Its arguments cost something: ask told first where it matters.
func (t *trace) line(at time.Duration, format string, args ...any) {
	if t.out != nil {
		_, _ = fmt.Fprintf(t.out, "%12.6f  %s\n", at.Seconds(), fmt.Sprintf(format, args...))
	}
}

// sumMessage is a hash of what a message says.
func sumMessage(m *raft.Message) uint64 {
	var t trace
	t.add(uint64(m.Term))
	yes := func(b bool) uint64 {
		if b {
			return 1
		}
		return 0
	}
	switch b := m.Body.(type) {
	case *raft.RequestVote:
		t.add(1, yes(b.PreVote), yes(b.Transfer), uint64(b.Last.Index), uint64(b.Last.Term))
	case *raft.VoteReply:
		t.add(2, yes(b.PreVote), yes(b.Granted))
	case *raft.AppendEntries:
		t.add(3, b.Session, uint64(b.Prev.Index), uint64(b.Prev.Term), uint64(len(b.Entries)), uint64(b.Commit))
		for i := range b.Entries {
			t.add(uint64(b.Entries[i].Term), sum(b.Entries[i].Data))
		}
	case *raft.AppendReply:
		t.add(4, b.Session, uint64(b.Index), yes(b.Rejected), uint64(b.Hint.Index), uint64(b.Hint.Term))
	case *raft.Heartbeat:
		t.add(5, b.Session, uint64(b.Commit), b.ReadSequence)
	case *raft.HeartbeatReply:
		t.add(6, b.Session, b.ReadSequence)
	case *raft.InstallSnapshot:
		t.add(7, b.Session, uint64(b.Meta.Last.Index), uint64(b.Meta.Last.Term))
	case *raft.TimeoutNow:
		t.add(8)
	}
	return t.hash
}

// sum is a hash of bytes: FNV-1a.
func sum(data []byte) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, b := range data {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	return h
}

// describe puts a message into words.
func describe(m *raft.Message) string {
	switch b := m.Body.(type) {
	case *raft.AppendEntries:
		last := b.Prev.Index + raft.Index(len(b.Entries))
		return fmt.Sprintf("t%d AppendEntries after %v to %d, commit %d", m.Term, b.Prev, last, b.Commit)
	case *raft.AppendReply:
		if b.Rejected {
			return fmt.Sprintf("t%d AppendReply refuses %d, hint %v", m.Term, b.Index, b.Hint)
		}
		return fmt.Sprintf("t%d AppendReply has %d", m.Term, b.Index)
	case *raft.RequestVote:
		name := "RequestVote"
		if b.PreVote {
			name = "RequestPreVote"
		}
		return fmt.Sprintf("t%d %s, log to %v", m.Term, name, b.Last)
	case *raft.VoteReply:
		return fmt.Sprintf("t%d VoteReply pre=%t granted=%t", m.Term, b.PreVote, b.Granted)
	case *raft.Heartbeat:
		return fmt.Sprintf("t%d Heartbeat commit %d read %d", m.Term, b.Commit, b.ReadSequence)
	case *raft.HeartbeatReply:
		return fmt.Sprintf("t%d HeartbeatReply read %d", m.Term, b.ReadSequence)
	case *raft.InstallSnapshot:
		return fmt.Sprintf("t%d InstallSnapshot to %v", m.Term, b.Meta.Last)
	}
	return fmt.Sprintf("t%d %T", m.Term, m.Body)
}
