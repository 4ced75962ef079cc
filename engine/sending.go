package engine

import (
	"maps"
	"slices"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
	"github.com/ben-ng/gaggle/wire"
)

const (
	// chunkBytes is how much of a snapshot a message brings at most, and chunksAhead how many
	// are on their way at a time: enough for a fast network, little enough not to be in the way.
	chunkBytes  = 256 << 10
	chunksAhead = 4
	// minChunkBytes is what a message brings at least, so that what it says beside is little.
	minChunkBytes = 1 << 10
	// defaultSnapshotRate bounds what a leader sends of snapshots, in bytes a second, to all
	// together: half of what a network of 1 Gbit/s carries.
	defaultSnapshotRate = 64 << 20
	// maxSendingTries is how often a snapshot is sent on from what was acknowledged last
	// before it counts as failed. Another attempt goes on from there, too.
	maxSendingTries = 3
)

// A sending is a snapshot on its way to a member that needs what is compacted. Its bytes are
// those of the file, and it goes on where the member says. A leader sends one because its core
// says so; any node offers one, in session 0, for what is damaged at the member.
type sending struct {
	raft.SendSnapshot
	info snapshot.Info
	// reader belongs to the jobs of the lane that reads; nil if it could not be opened.
	reader *snapshot.Reader
	// acked is up to where the member has it, next what is sent next; begun: it has said.
	acked, next int64
	begun       bool
	// reading: the file is being opened, or a chunk is being read.
	reading bool
	// movedAt is the tick of the last acknowledgement or attempt, tries how many there were
	// since the last acknowledgement.
	movedAt uint64
	tries   int
}

// offered reports whether it is an offer: no leader's, so that no core waits for it.
func (s *sending) offered() bool { return s.Session == 0 }

// sendings are the snapshots under way, and how many bytes it may send now.
type sendings struct {
	all       map[raft.NodeID]*sending
	allowance int
}

// sendSnapshot begins to send the latest snapshot to a member.
func (n *Node) sendSnapshot(s raft.SendSnapshot) {
	n.endSending(s.To)
	info, ok := n.snapshots.Latest()
	if !ok {
		n.demandCheckpoint()
		n.step(raft.SnapshotSent{Node: s.To, Failed: true})
		return
	}
	n.beginSending(s, info)
}

// offerSnapshot sends the latest snapshot to a member to which entries from first on were
// lost, and are compacted here, or lost too: leader or not, what the snapshot holds is
// committed. Whether it is of use, the member says before anything of it is sent.
func (n *Node) offerSnapshot(to raft.NodeID, first raft.Index) {
	info, ok := n.snapshots.Latest()
	if !ok || info.Meta.Last.Index < first || n.sendings.all[to] != nil || n.failed != nil {
		return
	}
	s := n.core.Status()
	if slices.Contains(s.Configuration.Members(), to) {
		n.beginSending(raft.SendSnapshot{To: to, Term: s.Term}, info)
	}
}

// beginSending opens a snapshot, and asks from where it is wanted.
func (n *Node) beginSending(s raft.SendSnapshot, info snapshot.Info) {
	out := &sending{SendSnapshot: s, info: info, movedAt: n.now, reading: true}
	n.sendings.all[s.To] = out
	n.job(ReadLane, func() {
		var err error
		out.reader, err = n.snapshots.Open(info)
		_ = n.do(func() {
			out.reading = false
			switch {
			case n.sendings.all[s.To] != out:
			case err != nil:
				n.snapshotDamaged(info, err)
				n.sendingEnded(out, true)
			default:
				n.postChunk(out, 0, nil) // it answers from where it goes on
			}
		})
	})
}

// endSending forgets a sending.
func (n *Node) endSending(to raft.NodeID) {
	if s := n.sendings.all[to]; s != nil {
		delete(n.sendings.all, to)
		n.job(ReadLane, func() { // behind what opens it, and what still reads it
			if s.reader != nil {
				_ = s.reader.Close()
			}
		})
	}
}

// snapshotBytesPerTick is how much of snapshots may be sent in a tick, at least one byte.
func (n *Node) snapshotBytesPerTick() int {
	return max(int(int64(n.config.SnapshotRate)*int64(n.config.TickInterval)/int64(1e9)), 1)
}

// chunkSize is how much of a snapshot a message brings: no more than may be sent from one
// heartbeat to the next, so that at a low rate no heartbeat waits behind it.
func (n *Node) chunkSize() int64 {
	return int64(min(max(n.snapshotBytesPerTick()*n.config.Raft.HeartbeatTicks, minChunkBytes), chunkBytes))
}

// tickSendings lets time pass for what is on its way.
func (n *Node) tickSendings() {
	perTick := n.snapshotBytesPerTick()
	n.sendings.allowance = min(n.sendings.allowance+perTick, max(perTick, chunksAhead*int(n.chunkSize())))
	for _, to := range slices.Sorted(maps.Keys(n.sendings.all)) {
		s := n.sendings.all[to]
		if n.now-s.movedAt < uint64(n.config.Raft.ElectionTicksMax) || s.reading {
			continue
		}
		if s.tries++; s.tries > maxSendingTries {
			n.sendingEnded(s, true)
			continue
		}
		s.movedAt, s.next, s.begun = n.now, s.acked, false
		n.postChunk(s, s.acked, nil)
	}
}

// pumpSendings reads the next chunks that may be sent.
func (n *Node) pumpSendings() {
	if len(n.sendings.all) == 0 {
		return
	}
	_, term, leader := n.core.Leadership()
	for _, to := range slices.Sorted(maps.Keys(n.sendings.all)) {
		s := n.sendings.all[to]
		if !s.offered() && (leader != n.config.ID || term != s.Term) {
			n.endSending(to)
			continue
		}
		if !s.begun || s.reading || s.next >= s.info.Size || s.next-s.acked >= chunksAhead*n.chunkSize() || n.sendings.allowance <= 0 {
			continue
		}
		n.readChunk(s)
	}
}

// readChunk reads the next chunk, off the turn, and sends it in a later one.
func (n *Node) readChunk(s *sending) {
	chunk := make([]byte, min(n.chunkSize(), s.info.Size-s.next))
	offset := s.next
	s.reading, s.next = true, offset+int64(len(chunk))
	n.sendings.allowance -= len(chunk)
	n.job(ReadLane, func() {
		_, err := s.reader.ReadRaw(chunk, offset)
		_ = n.do(func() {
			s.reading = false
			switch {
			case n.sendings.all[s.To] != s || s.next != offset+int64(len(chunk)):
			case err != nil:
				n.snapshotDamaged(s.info, err)
				n.sendingEnded(s, true)
			default:
				n.postChunk(s, offset, chunk)
			}
		})
	})
}

func (n *Node) postChunk(s *sending, offset int64, data []byte) {
	n.post(s.To, &wire.SnapshotChunk{
		Term: s.Term, Session: s.Session, Last: s.info.Meta.Last,
		Size: uint64(s.info.Size), Sum: s.info.Sum, Offset: uint64(offset), Data: data,
	})
}

// chunkReplied follows how far a member has got.
func (n *Node) chunkReplied(from raft.NodeID, m *wire.SnapshotReply) {
	s := n.sendings.all[from]
	if s == nil || m.Session != s.Session || m.Last != s.info.Meta.Last || m.Sum != s.info.Sum || m.Next > uint64(s.info.Size) {
		return
	}
	switch m.Status {
	case wire.SnapshotInstalled:
		n.sendingEnded(s, false)
	case wire.SnapshotRefused:
		n.sendingEnded(s, true)
	case wire.SnapshotWanted:
		next := int64(m.Next)
		if next > s.acked || !s.begun {
			s.movedAt, s.tries = n.now, 0
		}
		if !s.begun {
			s.begun, s.acked, s.next = true, next, next
		}
		s.acked = max(s.acked, next)
		s.next = max(s.next, s.acked)
	}
}

// sendingEnded tells the core how it ended.
func (n *Node) sendingEnded(s *sending, failed bool) {
	n.endSending(s.To)
	if !s.offered() {
		n.step(raft.SnapshotSent{Node: s.To, Failed: failed})
	}
}
