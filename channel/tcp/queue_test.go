package tcp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/channel"
)

func push(t *testing.T, q *queue, class channel.Class, frames ...[]byte) {
	t.Helper()
	for _, frame := range frames {
		if err := q.push(class, frame); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAQueueHasLimits(t *testing.T) {
	small, piece := []byte("x"), make([]byte, pieceBytes)
	for name, test := range map[string]struct {
		class channel.Class
		frame []byte
		room  int
	}{
		"urgent frames": {channel.Urgent, small, maxUrgentFrames},
		"urgent bytes":  {channel.Urgent, piece, maxUrgentBytes / pieceBytes},
		"bulk frames":   {channel.Bulk, small, maxBulkFrames},
		"bulk bytes":    {channel.Bulk, piece, maxBulkBytes / pieceBytes},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueue()
			for range 3 {
				push(t, q, test.class, slices.Repeat([][]byte{test.frame}, test.room)...)
				if err := q.push(test.class, test.frame); !errors.Is(err, channel.ErrBusy) {
					t.Fatalf("one frame too many: %v, want ErrBusy", err)
				}
				other := channel.Urgent + channel.Bulk - test.class
				push(t, q, other, small)
				drain(q)
			}
		})
	}
}

// drain takes all that is in a queue.
func drain(q *queue) {
	for !q.nothing() {
		q.take(&load{}, batchBytes, true)
	}
}

func TestAQueueHasRoomForTheLargestFrame(t *testing.T) {
	for _, class := range []channel.Class{channel.Urgent, channel.Bulk} {
		push(t, newQueue(), class, make([]byte, channel.MaxFrame))
	}
}

func TestAQueueDoesNotGrowWithWhatHasPassed(t *testing.T) {
	q := newQueue()
	push(t, q, channel.Bulk, slices.Repeat([][]byte{{1}}, 100)...)
	for range 100000 {
		push(t, q, channel.Bulk, []byte{2})
		q.take(&load{}, headerBytes+1, true) // one frame
	}
	if n := cap(q.bulk.frames); n > 1000 {
		t.Errorf("room for %d frames was made for 100", n)
	}
}

func TestAClosedQueueTakesNothing(t *testing.T) {
	q := newQueue()
	push(t, q, channel.Bulk, []byte("x"))
	q.close()
	if err := q.push(channel.Urgent, []byte("y")); !errors.Is(err, channel.ErrUnknownPeer) {
		t.Errorf("push: %v, want ErrUnknownPeer", err)
	}
	if !q.nothing() {
		t.Error("a closed queue keeps frames")
	}
	if w := (&writer{queue: q}); w.writes() {
		t.Error("something is written from a closed queue")
	}
}

// writes reports whether the writer has something to write.
func (w *writer) writes() bool {
	_, ok := w.next()
	return ok
}

// nextBatch returns what the next write brings: of each record, the kind and the
// first byte of what it carries of a frame.
func nextBatch(t *testing.T, w *writer) string {
	t.Helper()
	batch, ok := w.next()
	if !ok {
		t.Fatal("the queue is closed")
	}
	if n := len(batch); n > batchBytes+pieceBytes+2*(headerBytes+sizeBytes) {
		t.Errorf("a write of %d bytes", n)
	}
	var records []string
	for s := newStream(bytes.NewReader(batch)); ; {
		k, n, err := s.readHeader()
		if errors.Is(err, io.EOF) {
			return fmt.Sprint(records)
		}
		payload := make([]byte, n)
		if err := errors.Join(err, s.fill(payload)); err != nil {
			t.Fatal(err)
		}
		records = append(records, describe(k, payload))
	}
}

func describe(k kind, payload []byte) string {
	switch k {
	case kindFrame:
		return string(payload[:1])
	case kindFirst:
		return "first " + string(payload[sizeBytes:sizeBytes+1])
	case kindNext:
		return "next " + string(payload[:1])
	case kindPeers:
		return "peers"
	case kindPing:
		return "ping"
	}
	return "?"
}

func wantBatch(t *testing.T, w *writer, want string) {
	t.Helper()
	if got := nextBatch(t, w); got != want {
		t.Errorf("the next write is %s, want %s", got, want)
	}
}

func TestUrgentFramesGoFirst(t *testing.T) {
	q := newQueue()
	push(t, q, channel.Bulk, []byte("b"), []byte("c"))
	push(t, q, channel.Urgent, []byte("u"), []byte("v"))
	q.askPing()
	wantBatch(t, &writer{queue: q}, "[ping u v b c]")
}

func TestUrgentFramesGoBetweenThePiecesOfALargeFrame(t *testing.T) {
	q := newQueue()
	w := &writer{queue: q, contacts: func() []contact { return []contact{{"a", "b:1"}} }}
	push(t, q, channel.Bulk, bytes.Repeat([]byte("L"), 6*pieceBytes), []byte("b"))
	wantBatch(t, w, "[first L next L]")
	push(t, q, channel.Urgent, []byte("u"))
	wantBatch(t, w, "[u next L next L]")
	q.askGossip()
	wantBatch(t, w, "[peers next L next L]")
	wantBatch(t, w, "[b]")
}

func TestALargeUrgentFrameIsBulk(t *testing.T) {
	q := newQueue()
	push(t, q, channel.Urgent, bytes.Repeat([]byte("L"), pieceBytes+1), []byte("u"))
	push(t, q, channel.Bulk, []byte("b"))
	w := &writer{queue: q}
	wantBatch(t, w, "[u first L next L]")
	wantBatch(t, w, "[b]")
}

func TestWhatIsWrittenIsWhatIsRead(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	q := newQueue()
	w := &writer{queue: q, contacts: func() []contact { return []contact{{"a", "b:1"}} }}
	var data bytes.Buffer
	var sent, got [2][]string // by class; the first byte of a frame says which
	for range 300 {
		class := channel.Class(random.IntN(2))
		frame := make([]byte, 1+random.IntN(1<<random.IntN(18)))
		for i := range frame {
			frame[i] = byte(random.Uint32())
		}
		frame[0] = byte(class)
		if class == channel.Bulk || len(frame) <= pieceBytes {
			push(t, q, class, frame)
			sent[class] = append(sent[class], string(frame))
		}
		if random.IntN(3) == 0 && !q.nothing() {
			batch, _ := w.next()
			data.Write(batch)
		}
	}
	for !q.nothing() || w.large != nil {
		batch, _ := w.next()
		data.Write(batch)
	}
	for s := newStream(&data); ; {
		a, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got[a.frame[0]] = append(got[a.frame[0]], string(a.frame))
	}
	for class := range sent {
		if !slices.Equal(got[class], sent[class]) {
			t.Errorf("class %d: %d frames were sent, %d others were read",
				class, len(sent[class]), len(got[class]))
		}
	}
}
