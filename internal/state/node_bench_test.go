package state

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

var stateBytes = flag.Int("state.bytes", 1<<30, "the size of the state in BenchmarkNodeSnapshot")

// itemBytes is the size of what a state is made of.
const itemBytes = 1 << 10

// filled makes the items of a state, which a JSON string takes as they are.
func filled(add func(i int, item []byte)) {
	for i := range *stateBytes / itemBytes {
		add(i, fmt.Appendf(nil, "%0*d", itemBytes, i))
	}
}

type jsonItems struct{ Items map[string]string }

func (s *jsonItems) fill() {
	s.Items = map[string]string{}
	filled(func(i int, item []byte) { s.Items[fmt.Sprintf("%012d", i)] = string(item) })
}

type items [][]byte

func (s *items) fill() { filled(func(_ int, item []byte) { *s = append(*s, item) }) }

type binaryItems struct{ items }

func (s *binaryItems) MarshalBinary() ([]byte, error) { return bytes.Join(s.items, nil), nil }

func (s *binaryItems) UnmarshalBinary(b []byte) error {
	s.items = nil
	for ; len(b) > 0; b = b[itemBytes:] {
		s.items = append(s.items, b[:itemBytes:itemBytes])
	}
	return nil
}

// streamedItems never change an item, so it is enough to copy where they are.
type streamedItems struct{ items }

func (s *streamedItems) Snapshot() (func(io.Writer) error, error) {
	captured := append(items(nil), s.items...)
	return func(w io.Writer) error {
		for _, item := range captured {
			if _, err := w.Write(item); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func (s *streamedItems) Restore(r io.Reader) error {
	s.items = nil
	for {
		item := make([]byte, itemBytes)
		if _, err := io.ReadFull(r, item); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		s.items = append(s.items, item)
	}
}

// BenchmarkNodeSnapshot is what a state of state.bytes takes on a node with a directory, while
// another node appends; and on a node that begins from it, in the same process:
//
//	hold-s      to capture it, which is how long nothing is applied
//	pause-s     the longest Do meanwhile
//	write-s     from then until the snapshot is on the disk, durably
//	stream-s    until the other node has it on its disk; the rate is bounded by 64 MiB/s
//	restore-s   until the other node's machine has it, from there on
func BenchmarkNodeSnapshot(b *testing.B) {
	b.Run("form=JSON", func(b *testing.B) { benchmarkNode(b, func() *jsonItems { return &jsonItems{} }) })
	b.Run("form=Binary", func(b *testing.B) { benchmarkNode(b, func() *binaryItems { return &binaryItems{} }) })
	b.Run("form=Streamed", func(b *testing.B) { benchmarkNode(b, func() *streamedItems { return &streamedItems{} }) })
}

// A timed machine takes no notice of commands but the one to fill itself.
type timed[S any] struct {
	form                       Form[S]
	state                      *S
	fill                       func(*S)
	mu                         sync.Mutex
	hold, restore              time.Duration
	captured, began, snapshots int64
}

func (m *timed[S]) Apply(_ raft.Index, _ raft.Term, value []byte) (any, error) {
	if string(value) == "fill" {
		m.fill(m.state)
	}
	return nil, nil
}

func (m *timed[S]) Snapshot() (func(io.Writer) error, error) {
	began := time.Now()
	write, err := m.form.Capture(m.state)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hold, m.captured = time.Since(began), time.Now().UnixNano()
	m.snapshots++
	return write, err
}

func (m *timed[S]) Restore(r io.Reader) error {
	began := time.Now()
	err := m.form.Restore(m.state, r, new(sync.Mutex))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.began, m.restore = began.UnixNano(), time.Since(began)
	return err
}

// A mute machine has no state, so that the third node takes no memory.
type mute struct{}

var errMute = errors.New("no snapshot of this one")

func (mute) Apply(raft.Index, raft.Term, []byte) (any, error) { return nil, nil }
func (mute) Snapshot() (func(io.Writer) error, error)         { return nil, errMute }
func (mute) Restore(io.Reader) error                          { return nil }

// benchNode starts a node in a directory. Who is to lead is more impatient than the others.
func benchNode(b *testing.B, ch channel.Channel, path string, patience int, m engine.Machine) *engine.Node {
	b.Helper()
	dir, err := vfs.OS(path)
	if err != nil {
		b.Fatal(err)
	}
	name := filepath.Base(path)
	home, err := engine.OpenHome(dir, engine.HomeConfig{ID: raft.NodeID(name + "#1"), Name: name, Cluster: "bench", Size: 3, Mark: [16]byte{name[0]}})
	if err != nil {
		b.Fatal(err)
	}
	core := raft.DefaultConfig(home.ID(), uint64(name[0]))
	core.ElectionTicksMin *= patience
	core.ElectionTicksMax *= patience
	n, err := engine.New(engine.Config{
		ID: home.ID(), Cluster: "bench", Size: 3, TickInterval: 10 * time.Millisecond, Raft: core,
		Home: home, Nonce: uint64(name[0]), Machine: m, CheckpointBytes: 64 << 10,
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := n.Open(ch); err != nil {
		b.Fatal(err)
	}
	n.Start()
	b.Cleanup(func() { _ = n.Close() })
	return n
}

// doUntil has small commands applied until something is so, and returns the longest wait.
func doUntil(b *testing.B, n *engine.Node, isSo func() bool) (longest time.Duration) {
	b.Helper()
	value := make([]byte, itemBytes)
	for !isSo() {
		began := time.Now()
		if _, _, err := n.Do(b.Context(), value); err != nil {
			b.Fatal(err)
		}
		longest = max(longest, time.Since(began))
	}
	return longest
}

// whole counts the snapshots in a directory that are written.
func whole(b *testing.B, dir string) (count int) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "snapshot-") && !strings.HasSuffix(e.Name(), ".tmp") {
			count++
		}
	}
	return count
}

func benchmarkNode[S any, P interface {
	*S
	fill()
}](b *testing.B, empty func() *S) {
	machine := func() *timed[S] {
		form, err := Of(empty())
		if err != nil {
			b.Fatal(err)
		}
		return &timed[S]{form: form, state: empty(), fill: func(s *S) { P(s).fill() }}
	}
	figures := map[string]time.Duration{}
	runs := 0
	for b.Loop() {
		runs++
		measureNode(b, machine, figures)
	}
	for name, sum := range figures {
		b.ReportMetric(sum.Seconds()/float64(runs), name)
	}
	b.ReportMetric(0, "ns/op")
}

func measureNode[S any](b *testing.B, machine func() *timed[S], figures map[string]time.Duration) {
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()
	ch, dir, first := memory.New(), b.TempDir(), machine()
	at := func(name string) string { return filepath.Join(dir, name) }
	leader := benchNode(b, ch, at("a"), 1, first)
	second := benchNode(b, ch, at("b"), 20, machine())
	third := benchNode(b, ch, at("c"), 20, mute{})
	if err := errors.Join(leader.Ready(ctx), second.Ready(ctx), second.Close()); err != nil {
		b.Fatal(err)
	}
	doUntil(b, leader, func() bool { return whole(b, at("a")) == 1 })
	if _, _, err := leader.Do(ctx, []byte("fill")); err != nil {
		b.Fatal(err)
	}
	figures["pause-s"] += doUntil(b, leader, func() bool { return whole(b, at("a")) == 2 })
	first.mu.Lock()
	figures["hold-s"] += first.hold
	figures["write-s"] += time.Since(time.Unix(0, first.captured))
	first.mu.Unlock()
	// What the first snapshot stands for is not in the log any more, so it begins with the second.
	late, began := machine(), time.Now()
	second = benchNode(b, ch, at("b"), 20, late)
	if err := second.Read(ctx); err != nil {
		b.Fatal(err)
	}
	late.mu.Lock()
	if late.began == 0 {
		b.Fatal("it was sent the log, not a snapshot")
	}
	figures["stream-s"] += time.Unix(0, late.began).Sub(began)
	figures["restore-s"] += late.restore
	late.mu.Unlock()
	for _, n := range []*engine.Node{second, third, leader} {
		if err := n.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
