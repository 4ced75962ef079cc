package wire

import (
	"fmt"

	"github.com/ben-ng/gaggle/raft"
)

// A kind is the number that says what a message is. 0 is none.
type kind uint8

const (
	kindRequestVote kind = 1 + iota
	kindVoteReply
	kindAppendEntries
	kindAppendReply
	kindHeartbeat
	kindHeartbeatReply
	kindInstallSnapshot
	kindTimeoutNow
)

const (
	kindHello kind = 16 + iota
	kindProposals
	kindProposalsRefused
	kindReadIndex
	kindReadIndexReply
	kindCall
	kindCallReply
	kindRetired
	kindSnapshotChunk
	kindSnapshotReply
	kindFetchEntries
	kindFetchedEntries
	kindStateHash
	kindFetchBackup
	kindBackupOutline
	kindFetchBackupPart
	kindBackupPart
)

// raft reports whether messages of the kind are those of Raft, and begin with a term.
func (k kind) raft() bool { return k < kindHello }

func (k kind) String() string {
	switch k {
	case kindRequestVote:
		return "RequestVote"
	case kindVoteReply:
		return "VoteReply"
	case kindAppendEntries:
		return "AppendEntries"
	case kindAppendReply:
		return "AppendReply"
	case kindHeartbeat:
		return "Heartbeat"
	case kindHeartbeatReply:
		return "HeartbeatReply"
	case kindInstallSnapshot:
		return "InstallSnapshot"
	case kindTimeoutNow:
		return "TimeoutNow"
	case kindHello:
		return "Hello"
	case kindProposals:
		return "Proposals"
	case kindProposalsRefused:
		return "ProposalsRefused"
	case kindReadIndex:
		return "ReadIndex"
	case kindReadIndexReply:
		return "ReadIndexReply"
	case kindCall:
		return "Call"
	case kindCallReply:
		return "CallReply"
	case kindRetired:
		return "Retired"
	case kindSnapshotChunk:
		return "SnapshotChunk"
	case kindSnapshotReply:
		return "SnapshotReply"
	case kindFetchEntries:
		return "FetchEntries"
	case kindFetchedEntries:
		return "FetchedEntries"
	case kindStateHash:
		return "StateHash"
	case kindFetchBackup:
		return "FetchBackup"
	case kindBackupOutline:
		return "BackupOutline"
	case kindFetchBackupPart:
		return "FetchBackupPart"
	case kindBackupPart:
		return "BackupPart"
	default:
		return fmt.Sprintf("kind(%d)", uint8(k))
	}
}

// A body is what the codec has to know of a kind of message.
type body interface {
	// size is the length of the encoding, in bytes.
	size() int
	// check reports why no correct node writes this. What Decode has read goes
	// through it, and what AppendFrame is to write. The term is that of the message.
	check(term raft.Term) error
	// encode appends the encoding.
	encode(b []byte) []byte
	// decode reads the encoding. It refuses what check could not see afterwards, and
	// what would cost memory.
	decode(r *reader)
}

// open returns what a message is, its term if it is one of Raft, and its body: nil
// if it is not a message.
func open(m any) (kind, raft.Term, body) {
	switch m := m.(type) {
	case *raft.Message:
		k, b := openRaft(m.Body)
		return k, m.Term, b
	case *Hello:
		return kindHello, 0, m
	case *Proposals:
		return kindProposals, 0, m
	case *ProposalsRefused:
		return kindProposalsRefused, 0, m
	case *ReadIndex:
		return kindReadIndex, 0, m
	case *ReadIndexReply:
		return kindReadIndexReply, 0, m
	case *Call:
		return kindCall, 0, m
	case *CallReply:
		return kindCallReply, 0, m
	case *Retired:
		return kindRetired, 0, m
	case *SnapshotChunk:
		return kindSnapshotChunk, 0, m
	case *SnapshotReply:
		return kindSnapshotReply, 0, m
	case *FetchEntries:
		return kindFetchEntries, 0, m
	case *FetchedEntries:
		return kindFetchedEntries, 0, m
	case *StateHash:
		return kindStateHash, 0, m
	case *FetchBackup:
		return kindFetchBackup, 0, m
	case *BackupOutline:
		return kindBackupOutline, 0, m
	case *FetchBackupPart:
		return kindFetchBackupPart, 0, m
	case *BackupPart:
		return kindBackupPart, 0, m
	}
	return 0, 0, nil
}

func openRaft(b raft.Body) (kind, body) {
	switch b := b.(type) {
	case *raft.RequestVote:
		return kindRequestVote, (*requestVote)(b)
	case *raft.VoteReply:
		return kindVoteReply, (*voteReply)(b)
	case *raft.AppendEntries:
		return kindAppendEntries, (*appendEntries)(b)
	case *raft.AppendReply:
		return kindAppendReply, (*appendReply)(b)
	case *raft.Heartbeat:
		return kindHeartbeat, (*heartbeat)(b)
	case *raft.HeartbeatReply:
		return kindHeartbeatReply, (*heartbeatReply)(b)
	case *raft.InstallSnapshot:
		return kindInstallSnapshot, (*installSnapshot)(b)
	case *raft.TimeoutNow:
		return kindTimeoutNow, (*timeoutNow)(b)
	}
	return 0, nil
}

// newBody makes an empty body for a kind that is not Raft's; nil if there is none.
func newBody(k kind) body {
	switch k {
	case kindHello:
		return new(Hello)
	case kindProposals:
		return new(Proposals)
	case kindProposalsRefused:
		return new(ProposalsRefused)
	case kindReadIndex:
		return new(ReadIndex)
	case kindReadIndexReply:
		return new(ReadIndexReply)
	case kindCall:
		return new(Call)
	case kindCallReply:
		return new(CallReply)
	case kindRetired:
		return new(Retired)
	case kindSnapshotChunk:
		return new(SnapshotChunk)
	case kindSnapshotReply:
		return new(SnapshotReply)
	case kindFetchEntries:
		return new(FetchEntries)
	case kindFetchedEntries:
		return new(FetchedEntries)
	case kindStateHash:
		return new(StateHash)
	case kindFetchBackup:
		return new(FetchBackup)
	case kindBackupOutline:
		return new(BackupOutline)
	case kindFetchBackupPart:
		return new(FetchBackupPart)
	case kindBackupPart:
		return new(BackupPart)
	default:
		return nil
	}
}

// newRaftMessage makes a message with an empty body of one of Raft's kinds, or with no
// body if there is no such kind.
func newRaftMessage(k kind) *raft.Message {
	switch k {
	case kindRequestVote:
		return withBody[raft.RequestVote]()
	case kindVoteReply:
		return withBody[raft.VoteReply]()
	case kindAppendEntries:
		return withBody[raft.AppendEntries]()
	case kindAppendReply:
		return withBody[raft.AppendReply]()
	case kindHeartbeat:
		return withBody[raft.Heartbeat]()
	case kindHeartbeatReply:
		return withBody[raft.HeartbeatReply]()
	case kindInstallSnapshot:
		return withBody[raft.InstallSnapshot]()
	case kindTimeoutNow:
		return withBody[raft.TimeoutNow]()
	default:
		return new(raft.Message)
	}
}

// withBody makes a message and its body in one allocation.
func withBody[B any, P interface {
	*B
	raft.Body
}]() *raft.Message {
	both := new(struct {
		message raft.Message
		body    B
	})
	both.message.Body = P(&both.body)
	return &both.message
}
