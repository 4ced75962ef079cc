package snapshot

import (
	"fmt"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A Writer writes one snapshot. It is for one goroutine at a time, and has to be ended by
// Commit or Abort. Its first error is final: it has removed the file, and every later call
// returns the error again.
type Writer struct {
	store  *Store
	aside  *aside
	header header
	chunk  []byte
	chunks int64
	footer footer
	err    error
}

// Create begins a snapshot of this store's cluster. Nothing is seen of it before Commit. It
// may be written while others are read and received. ErrObsolete: there is one of the same
// index or a later one; ErrBusy: one of this position is being written; ErrMeta.
func (s *Store) Create(meta raft.SnapshotMeta) (*Writer, error) {
	if s.cluster == (wire.ClusterID{}) {
		return nil, fmt.Errorf("%w: the store is of no cluster", ErrForeign)
	}
	if err := checkMeta(meta); err != nil {
		return nil, err
	}
	h := newHeader(s.cluster, meta)
	a, err := s.begin(h)
	if err != nil {
		return nil, err
	}
	w := &Writer{store: s, aside: a, header: h, chunk: make([]byte, frameSize), footer: footer{sum: h.chainStart()}}
	if w.write(h.encoded); w.err != nil {
		return nil, w.err
	}
	return w, nil
}

// Write adds to the content.
func (w *Writer) Write(p []byte) (int, error) {
	rest := p
	for len(rest) > 0 && w.err == nil {
		n := min(frameSize+chunkSize-len(w.chunk), len(rest))
		w.chunk = append(w.chunk, rest[:n]...)
		rest = rest[n:]
		if len(w.chunk) == frameSize+chunkSize {
			w.flush()
		}
	}
	return len(p) - len(rest), w.err
}

// flush writes the current chunk.
func (w *Writer) flush() {
	w.header.seal(w.chunk, w.chunks)
	w.write(w.chunk)
	w.footer.sum = chained(w.footer.sum, w.chunk)
	w.footer.content += int64(len(w.chunk) - frameSize)
	w.chunks++
	w.chunk = w.chunk[:frameSize]
}

func (w *Writer) write(b []byte) {
	if w.err = w.aside.write(b); w.err != nil {
		w.store.ended(w.header.meta.Last)
	}
}

// Commit makes the snapshot durable, and the newest of the store if there is no later one.
// Older ones than are to be kept are removed, and what is being received if it is obsolete.
// ErrObsolete: one of the same position came meanwhile, and this one is removed.
func (w *Writer) Commit() (Info, error) {
	if w.err == nil && len(w.chunk) > frameSize {
		w.flush()
	}
	if w.err == nil {
		w.write(w.header.encodeFooter(w.footer))
	}
	if w.err != nil {
		return Info{}, w.err
	}
	info, err := w.header.info(w.footer, w.aside.size, wholeName(w.header.meta.Last))
	if err == nil {
		err = w.store.publish(w.aside, info)
	} else {
		err = w.aside.fail(err)
	}
	if w.end(err); err != nil {
		return Info{}, err
	}
	return info, nil
}

// Abort removes what was written. After Commit, or an error, it does nothing.
func (w *Writer) Abort() error {
	if w.ended() {
		return nil
	}
	err := w.aside.discard()
	w.end(err)
	return err
}

func (w *Writer) ended() bool { return w.err != nil }

// end leaves the writer with what every later call returns.
func (w *Writer) end(err error) {
	w.store.ended(w.header.meta.Last)
	if w.err = err; err == nil {
		w.err = ErrClosed
	}
}
