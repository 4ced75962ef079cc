package trace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ben-ng/gaggle/raft"
)

// A Reader reads the trace of one node. It is not safe for concurrent use.
type Reader struct {
	in   io.Reader
	node raft.NodeID
	last *raft.TraceState
	// stopped: the recording has.
	stopped bool
	// whole is where the last whole record ends, in bytes.
	whole int64
}

// NewReader reads the header. Reads are small: the source should be buffered.
// Errors: ErrMalformed; ErrTorn, if the file ends within the header; those of the source.
func NewReader(in io.Reader) (*Reader, error) {
	b := make([]byte, headerStart)
	if _, err := io.ReadFull(in, b); err != nil {
		return nil, torn(err)
	}
	if string(b[:len(magic)]) != magic {
		return nil, malformed("it does not begin as a trace does")
	}
	how := b[len(magic)] & stopped
	if v := b[len(magic)] - how; v != version {
		return nil, malformed("it is of version %d, this program reads version %d", v, version)
	}
	rest := make([]byte, int(b[len(magic)+1])+sumSize)
	if _, err := io.ReadFull(in, rest); err != nil {
		return nil, torn(err)
	}
	node := raft.NodeID(rest[:len(rest)-sumSize])
	want, err := header(node, how)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(b, want[:len(b)]) || !bytes.Equal(rest, want[len(b):]) {
		return nil, malformed("its header is damaged")
	}
	return &Reader{in: in, node: node, whole: int64(len(want)), stopped: how != 0}, nil
}

// Node is the node whose trace it is.
func (r *Reader) Node() raft.NodeID { return r.node }

// Stopped reports whether the recording has stopped before the node did, as something could not be
// written: the node went on behind the end of the file.
func (r *Reader) Stopped() bool { return r.stopped }

// Next returns the next step, which is the caller's. What it takes of memory is in proportion to
// the bytes that are there.
// Errors: io.EOF at the end; ErrTorn if the last record is not all there, which is an end as
// well; ErrMalformed; those of the source.
func (r *Reader) Next() (*raft.Trace, error) {
	var head [recordHead]byte
	switch n, err := io.ReadFull(r.in, head[:]); {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("after %d bytes: %w", n, torn(err))
	}
	length := binary.LittleEndian.Uint32(head[:])
	if length > maxRecord {
		return nil, malformed("a record of %d bytes at byte %d", length, r.whole)
	}
	var body bytes.Buffer // which grows with what is there
	if _, err := io.CopyN(&body, r.in, int64(length)); err != nil {
		return nil, torn(err)
	}
	if sum(body.Bytes()) != binary.LittleEndian.Uint32(head[sumSize:]) {
		return nil, malformed("the record at byte %d has a wrong checksum", r.whole)
	}
	t, err := readRecord(body.Bytes(), r.last)
	if err != nil {
		return nil, fmt.Errorf("the record at byte %d: %w", r.whole, err)
	}
	r.whole += int64(recordHead) + int64(length)
	after := t.After
	r.last = &after
	return t, nil
}

// torn is what the end of a file in the middle of something is.
func torn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrTorn
	}
	return err
}
