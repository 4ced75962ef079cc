package wire

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// A sample is a frame with one message of a kind, and the name of its golden file.
type sample struct {
	name  string
	frame Frame
}

// samples has one frame of each kind, and some that no kind stands for. All fields
// differ, so that none can be taken for another.
func samples() []sample {
	conf := raft.Configuration{
		Voters:       []raft.NodeID{"a", "b", "d"},
		Outgoing:     []raft.NodeID{"a", "b", "c"},
		Learners:     []raft.NodeID{"e"},
		LearnersNext: []raft.NodeID{"c"},
	}
	var all []sample
	add := func(name string, messages ...any) {
		all = append(all, sample{name, Frame{
			Cluster:  ClusterID{0xc0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
			Group:    0x01020304,
			From:     "node-a",
			To:       "n-b",
			Messages: messages,
		}})
	}
	addRaft := func(name string, body raft.Body) {
		add(name, &raft.Message{From: "node-a", To: "n-b", Term: 0x1112, Body: body})
	}
	addRaft("RequestVote", &raft.RequestVote{Transfer: true, Last: raft.Position{Index: 0x2122, Term: 0x1110}})
	addRaft("VoteReply", &raft.VoteReply{PreVote: true})
	addRaft("AppendEntries", &raft.AppendEntries{
		Session: 0x31,
		Prev:    raft.Position{Index: 0x40ff, Term: 0x1110},
		Entries: []raft.Entry{
			{Index: 0x4100, Term: 0x1110, Data: []byte("command")},
			{Index: 0x4101, Term: 0x1112, Type: raft.EntryNoOp},
			{Index: 0x4102, Term: 0x1112, Type: raft.EntryConfiguration, Data: appendConfiguration(nil, conf)},
		},
		Commit: 0x4050,
	})
	addRaft("AppendReply", &raft.AppendReply{
		Session: 0x31, Index: 0x4102, Rejected: true, Hint: raft.Position{Index: 0x4101, Term: 0x1111},
	})
	addRaft("Heartbeat", &raft.Heartbeat{Session: 0x31, Commit: 0x4050, ReadSequence: 0x51})
	addRaft("HeartbeatReply", &raft.HeartbeatReply{Session: 0x31, ReadSequence: 0x51})
	addRaft("InstallSnapshot", &raft.InstallSnapshot{Session: 0x31, Meta: raft.SnapshotMeta{
		Last: raft.Position{Index: 0x4102, Term: 0x1110}, Configuration: conf, ConfigurationIndex: 0x4001,
	}})
	addRaft("TimeoutNow", &raft.TimeoutNow{})
	add("Hello", &Hello{
		Size: 5, Name: "alpha", State: Standby,
		Pledge: []raft.NodeID{"node-a", "n-b"}, Charter: []raft.NodeID{"n-c"},
		Abandoned: []ClusterID{{0xab, 1}, {0xab, 2}},
		Starts:    0x81, Nonce: 0x82,
		Contested: []Claim{{"n-d", 0x83, 0x84}, {"node-e", 0x85, 0x86}},
	})
	all[len(all)-1].frame.To = raft.None
	add("Proposals", &Proposals{Entries: [][]byte{[]byte("one"), nil, []byte("three")}})
	add("ProposalsRefused", &ProposalsRefused{Reason: Busy})
	add("ReadIndex", &ReadIndex{Token: 0x61})
	add("ReadIndexReply", &ReadIndexReply{Token: 0x61, OK: true, Index: 0x4102})
	add("Call", &Call{ID: 0x71, Name: "handler", Timeout: 0x1388, Payload: []byte("question")})
	add("CallReply", &CallReply{ID: 0x71, Status: CallUncertain, Payload: []byte("answer")})
	add("Retired", &Retired{Index: 0x4102})
	last := raft.Position{Index: 0x4102, Term: 0x1110}
	add("SnapshotChunk", &SnapshotChunk{
		Term: 0x1112, Session: 0x31, Last: last, Size: 0x9100, Sum: 0x92, Offset: 0x9000, Data: []byte("chunk"),
	})
	add("SnapshotReply", &SnapshotReply{Session: 0x31, Last: last, Sum: 0x92, Next: 0x9005, Status: SnapshotRefused})
	add("FetchEntries", &FetchEntries{Positions: []raft.Position{{Index: 0x4100, Term: 0x1110}, {Index: 0x4107, Term: 0x1111}}})
	add("FetchedEntries", &FetchedEntries{Entries: []raft.Entry{
		{Index: 0x4100, Term: 0x1110, Data: []byte("command")},
		{Index: 0x4107, Term: 0x1111, Type: raft.EntryNoOp},
	}})
	add("StateHash", &StateHash{Index: 0x4102, Hash: 0xa1a2a3a4a5a6a7a8})
	add("FetchBackup", &FetchBackup{Token: 0xb1})
	add("BackupOutline", &BackupOutline{
		Token: 0xb1, Base: raft.Position{Index: 0x4100, Term: 0x1110}, Last: raft.Position{Index: 0x4110, Term: 0x1112},
		Snapshot: last, Size: 0x9100, Sum: 0x92,
		Configuration: raft.NewConfiguration([]raft.NodeID{"node-a", "n-b"}, []raft.NodeID{"n-c"}),
	})
	add("FetchBackupPart", &FetchBackupPart{Token: 0xb1, OfSnapshot: true, From: 0xb2})
	add("BackupPart", &BackupPart{Token: 0xb1, OfSnapshot: true, From: 0xb2, Status: BackupBusy, Data: []byte("part")})
	add("empty")
	add("several", &ReadIndex{Token: 1},
		&raft.Message{From: "node-a", To: "n-b", Term: 2, Body: &raft.TimeoutNow{}}, &ReadIndex{Token: 3})
	return all
}

func mustAppend(t testing.TB, f *Frame) []byte {
	t.Helper()
	b, err := AppendFrame(nil, f)
	if err != nil {
		t.Fatalf("AppendFrame: %v", err)
	}
	return b
}

func mustDecode(t testing.TB, b []byte) *Frame {
	t.Helper()
	var d Decoder
	var f Frame
	if err := d.Decode(b, &f); err != nil {
		t.Fatalf("Decode: %v", err)
	}
	return &f
}

func TestEverySampleSurvivesTheTrip(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			b := mustAppend(t, &s.frame)
			got := mustDecode(t, b)
			if len(s.frame.Messages) == 0 {
				got.Messages = nil
			}
			if !reflect.DeepEqual(*got, s.frame) {
				t.Fatalf("got  %+v\nwant %+v", *got, s.frame)
			}
			if again := mustAppend(t, got); !bytes.Equal(again, b) {
				t.Fatalf("encoded again\n%x, before\n%x", again, b)
			}
		})
	}
}
