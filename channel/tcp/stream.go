package tcp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ben-ng/gaggle/channel"
)

// readBuffer is how many bytes are read at once: as many as a piece of a frame, and
// many small frames.
const readBuffer = 64 << 10

var errRecord = errors.New("malformed record")

// A stream reads what one peer sends after its hello.
type stream struct {
	in     *bufio.Reader
	begins func() // is called before each record, unless it is nil
	header [headerBytes]byte
	size   [sizeBytes]byte

	large    []byte // a frame that arrives in pieces, nil if there is none
	received int    // how much of large is there
}

// An arrival is what a stream yields: a frame, which may be empty but is not nil, or
// peers, or a ping.
type arrival struct {
	frame []byte
	peers []contact
	ping  bool
}

func newStream(r io.Reader) *stream {
	return &stream{in: bufio.NewReaderSize(r, readBuffer)}
}

// next returns what has arrived in whole. The error is io.EOF only if the stream
// ends where it may.
func (s *stream) next() (arrival, error) {
	for {
		k, n, err := s.readHeader()
		if err != nil {
			return arrival{}, err
		}
		switch k {
		case kindFrame:
			frame := make([]byte, n)
			return arrival{frame: frame}, s.fill(frame)
		case kindFirst:
			err = s.begin(n)
		case kindNext:
			var frame []byte
			if frame, err = s.resume(n); frame != nil {
				return arrival{frame: frame}, nil
			}
		case kindPeers:
			return s.readPeers(n)
		case kindPing:
			return arrival{ping: true}, nil
		}
		if err != nil {
			return arrival{}, err
		}
	}
}

func (s *stream) readHeader() (kind, int, error) {
	if s.begins != nil {
		s.begins()
	}
	if _, err := io.ReadFull(s.in, s.header[:]); err != nil {
		if err == io.EOF && s.large != nil {
			err = io.ErrUnexpectedEOF
		}
		return 0, 0, err
	}
	k := kind(s.header[headerBytes-1])
	n := binary.BigEndian.Uint32(s.header[:])
	limit, known := k.maxPayload()
	if !known || uint64(n) > uint64(limit) {
		return 0, 0, fmt.Errorf("%w: %d bytes of kind %d", errRecord, n, k)
	}
	return k, int(n), nil
}

// begin reads the first piece of a large frame.
func (s *stream) begin(n int) error {
	if s.large != nil {
		return fmt.Errorf("%w: a large frame within another", errRecord)
	}
	piece := n - sizeBytes
	if piece < 1 {
		return fmt.Errorf("%w: no first piece", errRecord)
	}
	if err := s.fill(s.size[:]); err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(s.size[:])
	if size > channel.MaxFrame || int(size) <= piece {
		return fmt.Errorf("%w: a first piece of %d of %d bytes", errRecord, piece, size)
	}
	s.large, s.received = make([]byte, size), piece
	return s.fill(s.large[:piece])
}

// resume reads the next piece, and returns the frame if that was its last.
func (s *stream) resume(n int) ([]byte, error) {
	if n < 1 || n > len(s.large)-s.received {
		return nil, fmt.Errorf("%w: a piece of %d where %d bytes are missing",
			errRecord, n, len(s.large)-s.received)
	}
	if err := s.fill(s.large[s.received : s.received+n]); err != nil {
		return nil, err
	}
	s.received += n
	if s.received < len(s.large) {
		return nil, nil
	}
	frame := s.large
	s.large, s.received = nil, 0
	return frame, nil
}

func (s *stream) readPeers(n int) (arrival, error) {
	payload := make([]byte, n)
	if err := s.fill(payload); err != nil {
		return arrival{}, err
	}
	contacts, ok := parsePeers(payload)
	if !ok {
		return arrival{}, fmt.Errorf("%w: peers", errRecord)
	}
	return arrival{peers: contacts}, nil
}

// fill reads the inside of a record, where the stream must not end.
func (s *stream) fill(b []byte) error {
	_, err := io.ReadFull(s.in, b)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}
