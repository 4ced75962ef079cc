package trace

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/ben-ng/gaggle/raft"
)

// A Writer is a raft.Tracer that writes down what it is told. The step of a core waits until it
// is written, which it is with the next update, or when waiting steps take more than 64 KiB.
type Writer struct {
	stopped func(error)
	// mark notes in the file that the recording has stopped; nil if that has no place.
	mark func() error
	// mu is there as who closes it need not be who drives the core.
	mu     sync.Mutex
	out    io.WriteCloser
	buffer []byte
	last   *raft.TraceState
	ended  bool
}

// maxWaiting is how much waits for an update, in bytes.
const maxWaiting = 64 << 10

// NewWriter begins the trace of a node, to which it writes the header. If the recording has to
// stop, because something cannot be written, it says so once to stopped, from within a step; the
// core is not disturbed. Such a trace is of no use from there on, and is not to be continued: a
// file that Open has opened says so in its header.
// Errors: ErrMalformed if the id is no node's; those of out.
func NewWriter(out io.WriteCloser, node raft.NodeID, stopped func(error)) (*Writer, error) {
	b, err := header(node, 0)
	if err == nil {
		_, err = out.Write(b)
	}
	if err != nil {
		return nil, err
	}
	return &Writer{stopped: stopped, out: out}, nil
}

// Open begins the trace of a node in a file, or goes on with the one that is there: a record that
// was torn, when the process before was killed, is cut off. What this process writes has to begin
// with a start. For stopped see NewWriter. The file must not be open twice.
// Errors: ErrForeign, ErrMalformed, ErrStopped; those of the disk.
func Open(path string, node raft.NodeID, stopped func(error)) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // which the user has named
	if err != nil {
		return nil, err
	}
	w, err := resume(f, node, stopped)
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return w, nil
}

// resume puts a file to where the next record goes.
func resume(f *os.File, node raft.NodeID, said func(error)) (*Writer, error) {
	end, err := wholeUpTo(f, node)
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err != nil {
		return nil, err
	}
	w := &Writer{stopped: said, out: f}
	if end == 0 {
		w, err = NewWriter(f, node, said)
	}
	if err == nil {
		w.mark = func() error { return markStopped(f, node) }
	}
	return w, err
}

// markStopped notes in a header that the recording has stopped. It is written in its place, which a
// full disk has room for.
func markStopped(f io.WriterAt, node raft.NodeID) error {
	b, err := header(node, stopped)
	if err == nil {
		_, err = f.WriteAt(b, 0)
	}
	return err
}

// wholeUpTo is where the last whole record of a file ends; 0 if its header is not all there, or
// there is nothing but the header of another node, which did not begin.
func wholeUpTo(f *os.File, node raft.NodeID) (int64, error) {
	want, err := header(node, 0)
	if err != nil {
		return 0, err
	}
	start := make([]byte, len(want))
	n, err := io.ReadFull(f, start)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	if err != nil {
		return 0, err
	}
	if n < len(want) && bytes.HasPrefix(want, start[:n]) {
		return 0, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	r, err := NewReader(bufio.NewReader(f))
	if err != nil {
		return 0, err
	}
	_, err = r.Next()
	none := errors.Is(err, io.EOF) || errors.Is(err, ErrTorn)
	switch {
	case r.Node() != node && none:
		return 0, nil
	case r.Node() != node:
		return 0, fmt.Errorf("%w: it is the trace of %s, this node is %s", ErrForeign, r.Node(), node)
	}
	if r.stopped {
		return 0, ErrStopped
	}
	for err == nil {
		_, err = r.Next()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, ErrTorn) {
		return r.whole, nil
	}
	return 0, err
}

// Traced writes down a step. It is in the file when an update was traced.
func (w *Writer) Traced(t *raft.Trace) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	b, err := appendRecord(w.buffer, t, w.last)
	if err != nil {
		w.stop(err)
		return
	}
	w.buffer = b
	after := t.After
	w.last = &after
	if t.Update != nil || len(b) > maxWaiting {
		if err := w.flush(); err != nil {
			w.stop(err)
		}
	}
}

func (w *Writer) flush() error {
	_, err := w.out.Write(w.buffer)
	w.buffer = w.buffer[:0]
	if cap(w.buffer) > maxWaiting {
		w.buffer = nil // a large step is rare
	}
	return err
}

// stop ends the recording, and says why.
func (w *Writer) stop(err error) {
	w.ended = true
	w.buffer = nil
	if w.mark != nil {
		err = errors.Join(err, w.mark())
	}
	err = errors.Join(err, w.out.Close())
	if w.stopped != nil {
		w.stopped(err)
	}
}

// Close writes what waits, and closes the file. Steps after it are not written. Closing again, or
// when the recording has stopped, is harmless.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return nil
	}
	w.ended = true
	err := w.flush()
	return errors.Join(err, w.out.Close())
}
