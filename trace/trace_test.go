package trace

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// closing is a buffer that can be closed.
type closing struct{ bytes.Buffer }

func (*closing) Close() error { return nil }

const secret = "what a user has appended"

// run is entries of each type, the first of them with data of a user.
func run(from raft.Index) []raft.Entry {
	conf, _ := raft.NewConfiguration([]raft.NodeID{"a", "b", "c"}, []raft.NodeID{"d"}).AppendBinary(nil)
	return []raft.Entry{
		{Index: from, Term: 2, Data: []byte(secret)},
		{Index: from + 1, Term: 2, Type: raft.EntryNoOp},
		{Index: from + 2, Term: 3, Type: raft.EntryConfiguration, Data: conf},
	}
}

func meta() raft.SnapshotMeta {
	return raft.SnapshotMeta{
		Last: raft.Position{Index: 9, Term: 2}, ConfigurationIndex: 4,
		Configuration: raft.Configuration{Voters: []raft.NodeID{"a", "b"}, Outgoing: []raft.NodeID{"a", "c"}, LearnersNext: []raft.NodeID{"c"}},
	}
}

// bodies are one of each.
func bodies() []raft.Body {
	at := raft.Position{Index: 7, Term: 2}
	return []raft.Body{
		&raft.RequestVote{PreVote: true, Transfer: true, Last: at}, &raft.VoteReply{PreVote: true, Granted: true},
		&raft.AppendEntries{Session: 3, Prev: at, Entries: run(8), Commit: 5}, &raft.AppendEntries{Session: 1, Prev: at},
		&raft.AppendReply{Session: 3, Index: 7, Rejected: true, Hint: at}, &raft.Heartbeat{Session: 3, Commit: 5, ReadSequence: 6},
		&raft.HeartbeatReply{Session: 3, ReadSequence: 6}, &raft.InstallSnapshot{Session: 3, Meta: meta()}, &raft.TimeoutNow{},
	}
}

func said(b raft.Body) raft.Message { return raft.Message{From: "a", To: "b", Term: 4, Body: b} }

func events() []raft.Event {
	load := raft.Load{To: "b", Session: 2, First: 3, Last: 9, MaxBytes: 1 << 20}
	all := []raft.Event{
		raft.Tick{}, raft.Propose{Entries: []raft.Entry{{Data: []byte(secret)}, {}}}, raft.Persisted{Write: 3}, raft.Applied{Index: 4},
		raft.Read{Token: 1 << 63}, raft.ChangeConfiguration{Voters: []raft.NodeID{"c", "a"}, Learners: []raft.NodeID{"d"}},
		raft.TransferLeadership{}, raft.TransferLeadership{To: "c"}, raft.Retire{Index: 8}, raft.Unreachable{Node: "b"},
		raft.SnapshotTaken{Index: 9, CompactTo: 7}, raft.SnapshotSent{Node: "b", Failed: true}, raft.SnapshotFetched{Term: 3, Meta: meta()},
		raft.Loaded{Load: load, Entries: run(3)}, raft.Loaded{Load: load, Err: errors.New("rot")}, raft.Unload{UpTo: 5}, raft.Repaired{},
	}
	for _, b := range bodies() {
		m := said(b)
		all = append(all, raft.Receive{Message: &m})
	}
	return all
}

func effects() []raft.Effect {
	all := []raft.Effect{
		{Kind: raft.Entered, HardState: raft.HardState{Term: 5, VotedFor: "c"}}, {Kind: raft.Became, Role: raft.Leader},
		{Kind: raft.Appended, Entries: run(5)}, {Kind: raft.Committed, Index: 6}, {Kind: raft.Restored, Meta: meta(), Index: 11},
		{Kind: raft.ReadOpened, Token: 7, Index: 6}, {Kind: raft.ReadAnswered, Token: 7}, {Kind: raft.Withheld, Message: said(&raft.TimeoutNow{})}, {Kind: raft.Released, Message: said(&raft.TimeoutNow{})},
	}
	for _, b := range bodies() {
		all = append(all, raft.Effect{Kind: raft.Said, Message: said(b)})
	}
	return all
}

// steps are one of each kind, as a core might tell of them.
func steps() []*raft.Trace {
	m, hard := meta(), raft.HardState{Term: 5, VotedFor: "c"}
	state := raft.TraceState{
		Role: raft.Leader, HardState: hard, Leader: "a", Commit: 1, Durable: 2, Last: raft.Position{Index: 3, Term: 2},
		Snapshot: m.Last, Whole: 4, Matched: 5, Impaired: true,
	}
	all := []*raft.Trace{{Saved: &raft.Saved{
		HardState: hard, Snapshot: m, Compacted: raft.Position{Index: 2, Term: 1}, Stored: []raft.TermRun{{First: 3, Last: 9, Term: 2}},
		Configurations: run(1)[2:], Entries: run(10), Impaired: true, Damaged: 4,
	}, After: state}}
	for _, e := range events() {
		all = append(all, &raft.Trace{Event: e, After: state})
	}
	for _, err := range append(knownErrors(), errors.New("another")) {
		state.Commit++
		all = append(all, &raft.Trace{Event: raft.Tick{}, Err: err, After: state})
	}
	all = append(all, &raft.Trace{Update: &raft.Update{}, Effects: effects(), After: state})
	u := &raft.Update{
		Write:           &raft.Write{Number: 4, Snapshot: &m, HardState: &hard, Truncate: 3, Entries: [][]raft.Entry{run(3), run(6)}},
		CommittedStored: raft.Range{First: 1, Last: 2}, Committed: [][]raft.Entry{run(3)}, Restore: &m,
		Reads: []raft.ReadResult{{Token: 4, Index: 5}, {Token: 6, Err: raft.ErrNotLeader}}, Changes: []raft.ChangeResult{{}, {Err: raft.ErrCatchUp}},
		SendSnapshots: []raft.SendSnapshot{{To: "b", Term: 3, Session: 2}}, Loads: []raft.Load{{To: "b", Session: 2, First: 3, Last: 9, MaxBytes: 5}},
	}
	for _, b := range bodies() {
		u.Messages = append(u.Messages, said(b))
	}
	return append(all, &raft.Trace{Update: u, After: state}, &raft.Trace{Saved: &raft.Saved{}, After: raft.TraceState{}})
}

func written(t testing.TB, all []*raft.Trace) []byte {
	t.Helper()
	var out closing
	w, err := NewWriter(&out, "a", func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range all {
		w.Traced(step)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// read reads all steps, and returns why there are no more.
func read(b []byte) (all []*raft.Trace, err error) {
	r, err := NewReader(bytes.NewReader(b))
	for err == nil {
		var step *raft.Trace
		if step, err = r.Next(); err == nil {
			all = append(all, step)
		}
	}
	return all, err
}

// known makes values comparable after a round: data as hashes, errors as those that are told apart.
func known(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		if err, ok := v.Interface().(error); ok {
			e := &recordedError{text: err.Error()}
			for _, sentinel := range knownErrors() {
				if errors.Is(err, sentinel) {
					e.is = sentinel
				}
			}
			v.Set(reflect.ValueOf(e))
			return
		}
		if v.Kind() == reflect.Pointer {
			known(v.Elem())
			return
		}
		inside := reflect.New(v.Elem().Type()).Elem()
		inside.Set(v.Elem())
		known(inside)
		v.Set(inside)
	case reflect.Struct:
		if e, ok := v.Addr().Interface().(*raft.Entry); ok {
			if e.Type == raft.EntryNormal {
				e.Data = hashOf(e.Data)
			}
			return
		}
		for i := range v.NumField() {
			known(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			known(v.Index(i))
		}
	default:
	}
}

func TestEveryStepIsReadBackAsItWasButForTheDataOfUsers(t *testing.T) {
	got, err := read(written(t, steps()))
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	want := steps()
	if len(got) != len(want) {
		t.Fatalf("%d steps were read back, of %d", len(got), len(want))
	}
	for i := range want {
		known(reflect.ValueOf(want[i]))
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("step %d is\n%+v, want\n%+v", i, got[i], want[i])
		}
	}
}

func TestNoDataOfUsersAreInAFile(t *testing.T) {
	for part := range 4 {
		if bytes.Contains(written(t, steps()), []byte(secret[part*4:part*4+8])) {
			t.Fatalf("the file has %q in it", secret[part*4:part*4+8])
		}
	}
	if string(hashOf([]byte("a"))) != "\x8c\xec\x01\x86\x4c\xdc\x63\xaf" {
		t.Errorf("the hash of a is %x, which is not FNV-1a's", hashOf([]byte("a")))
	}
}

func TestATornTailIsCutWhereverItIsTorn(t *testing.T) {
	all := steps()[:5]
	whole, again := written(t, all), &raft.Trace{Saved: &raft.Saved{}}
	path := filepath.Join(t.TempDir(), "a.trace")
	for size := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		before, end := read(whole[:size])
		if !errors.Is(end, io.EOF) && !errors.Is(end, ErrTorn) {
			t.Fatalf("after %d bytes: %v", size, end)
		}
		w, err := Open(path, "a", func(err error) { t.Error(err) })
		if err != nil {
			t.Fatalf("after %d bytes: %v", size, err)
		}
		w.Traced(again)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path) //nolint:gosec // its own
		if err != nil {
			t.Fatal(err)
		}
		after, end := read(b)
		if !errors.Is(end, io.EOF) || !reflect.DeepEqual(after, append(before, again)) {
			t.Fatalf("after %d bytes, with %d steps, %d were read back: %v", size, len(before), len(after), end)
		}
	}
}

func TestAFileOfAnotherNodeOrThatIsDamagedIsLeftAlone(t *testing.T) {
	whole := written(t, steps()[:3])
	damaged := bytes.Clone(whole)
	damaged[40] ^= 1
	for what, c := range map[string]struct {
		bytes []byte
		node  raft.NodeID
		want  error
	}{
		"another's": {whole, "b", ErrForeign}, "damaged": {damaged, "a", ErrMalformed}, "no trace": {[]byte("a letter to a friend"), "a", ErrMalformed},
	} {
		path := filepath.Join(t.TempDir(), "trace")
		if err := os.WriteFile(path, c.bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, c.node, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
		if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, c.bytes) { //nolint:gosec // its own
			t.Errorf("%s: the file was changed: %v", what, err)
		}
	}
}

func TestNothingIsReadBackOfAByteThatIsDamaged(t *testing.T) {
	whole := written(t, steps()[:8])
	want, _ := read(whole)
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x10
		got, err := read(damaged)
		if !errors.Is(err, ErrTorn) && !errors.Is(err, ErrMalformed) {
			t.Errorf("with byte %d damaged, the end is %v", i, err)
		}
		if len(got) > 0 && !reflect.DeepEqual(got, want[:min(len(got), len(want))]) {
			t.Errorf("with byte %d damaged, %d steps are others", i, len(got))
		}
	}
}

func TestALengthThatIsNotThereCostsNothing(t *testing.T) {
	b := append(written(t, nil), 0, 0, 0, 0x0f, 0, 0, 0, 0) // 240 MiB are announced
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := read(b)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrTorn) || got > 1<<20 {
		t.Errorf("%d bytes were allocated, and the end is %v", got, err)
	}
}

func TestAFileInWhichNobodyBeganIsAnybodys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	for _, node := range []raft.NodeID{"another", "a"} {
		w, err := Open(path, node, nil)
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path) //nolint:gosec // its own
	if err != nil || !bytes.Equal(b, written(t, nil)) {
		t.Errorf("the file is %q: %v", b, err)
	}
}

// full has room for so many bytes.
type full struct {
	closing
	room int
}

var errFull = errors.New("no space left")

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.room {
		n, _ := f.Buffer.Write(b[:f.room])
		f.room = 0
		return n, errFull
	}
	f.room -= len(b)
	return f.Buffer.Write(b)
}

// alone runs a core that is a cluster by itself, and returns how it stands at the end.
func alone(t *testing.T, tracer raft.Tracer) raft.Status {
	t.Helper()
	saved, err := raft.Found([]raft.NodeID{"a"})
	if err != nil {
		t.Fatal(err)
	}
	config := raft.DefaultConfig("a", 1)
	config.Tracer = tracer
	core, err := raft.New(config, saved)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		_ = core.Step(raft.Tick{})
		if u := core.Update(); u.Write != nil {
			if err := core.Step(raft.Persisted{Write: u.Write.Number}); err != nil {
				t.Fatal(err)
			}
		}
		_ = core.Step(raft.Propose{Entries: []raft.Entry{{Data: []byte(secret)}}})
	}
	return core.Status()
}

func TestAFullDiskStopsTheRecordingAndNotTheNode(t *testing.T) {
	want := alone(t, nil)
	if want.Role != raft.Leader {
		t.Fatal("a node alone does not lead")
	}
	for _, room := range []int{20, 100, 1000} {
		var said []error
		out := &full{room: room}
		w, err := NewWriter(out, "a", func(err error) { said = append(said, err) })
		if err != nil {
			t.Fatal(err)
		}
		if got := alone(t, w); !reflect.DeepEqual(got, want) {
			t.Errorf("with room for %d bytes, the node stands at %+v, want %+v", room, got, want)
		}
		if len(said) != 1 || !errors.Is(said[0], errFull) {
			t.Errorf("with room for %d bytes, it said %v, want once that there is no space left", room, said)
		}
		if _, err := read(out.Bytes()); !errors.Is(err, io.EOF) && !errors.Is(err, ErrTorn) {
			t.Errorf("with room for %d bytes, the file ends with %v", room, err)
		}
	}
}

func TestAFileWhoseRecordingHasStoppedSaysSoAndIsNotGoneOnWith(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	w, err := Open(path, "a", nil)
	if err != nil {
		t.Fatal(err)
	}
	file := w.out
	out := &full{room: 1000}
	w.out = out // the disk is full from there on, and has room for what is in the file already
	alone(t, w)
	b, err := os.ReadFile(path) //nolint:gosec // its own
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(append(b, out.Bytes()...)))
	if err != nil || !r.Stopped() || r.Node() != "a" {
		t.Fatalf("what has stopped is read as %+v: %v", r, err)
	}
	if step, err := r.Next(); err != nil || step.Saved == nil {
		t.Errorf("it begins with %+v: %v", step, err)
	}
	if err := os.WriteFile(path, append(b, out.Bytes()...), 0o600); err != nil { //nolint:gosec // its own
		t.Fatal(err)
	}
	if _, err := Open(path, "a", nil); !errors.Is(err, ErrStopped) {
		t.Errorf("opening it again: %v", err)
	}
}

func TestAllStepsUpToAnUpdateAreInTheFileWhenItWasTraced(t *testing.T) {
	var out closing
	w, err := NewWriter(&out, "a", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range steps() {
		w.Traced(step)
		if all, err := read(out.Bytes()); step.Update != nil && (len(all) != i+1 || !errors.Is(err, io.EOF)) {
			t.Errorf("after update %d, %d steps are in the file: %v", i, len(all), err)
		}
	}
}
