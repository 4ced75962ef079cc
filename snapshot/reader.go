package snapshot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/ben-ng/gaggle/vfs"
)

// A Reader reads one snapshot, its content or its bytes as they are in the file. It checks a
// whole chunk before it hands out anything of it. It is for one goroutine at a time. A
// snapshot that is removed may be read to its end.
type Reader struct {
	store  *Store
	file   vfs.File
	info   Info
	header header
	footer []byte

	chunk   []byte // with its frame, checked
	number  int64  // of the chunk; -1 if there is none
	at      int64  // how much of the content was read
	chained int64  // how many chunks, from the first on, are in sum
	sum     uint64
}

// Open opens a snapshot that was listed, and checks its header and footer again. It has to be
// closed. The error is fs.ErrNotExist if it was removed, ErrDamaged if the file is not what it
// was, and then it is not usable any more.
func (s *Store) Open(info Info) (*Reader, error) {
	file, err := s.dir.Open(info.Name)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	h, found, err := ends(file, info.Name)
	if err == nil && found.Identity() != info.Identity() {
		err = damaged(info.Name, 0, errors.New("it is another file"))
	}
	f := footer{found.Content, found.Sum}
	if err == nil && f.content == 0 && f.sum != h.chainStart() {
		err = damaged(info.Name, found.Size-footerSize, errChecksum)
	}
	if err != nil {
		_ = file.Close() // nothing was written
		s.spoil(info, err)
		return nil, err
	}
	return &Reader{store: s, file: file, info: found, header: h, footer: h.encodeFooter(f), number: -1, sum: h.chainStart()}, nil
}

// ends reads and checks the header and the footer of a file.
func ends(file vfs.File, name string) (header, Info, error) {
	fail := func(offset int64, err error) (header, Info, error) {
		return header{}, Info{}, damaged(name, offset, err)
	}
	size, err := file.Size()
	if err != nil {
		return fail(0, err)
	}
	h, err := readHeader(file, size)
	if err != nil {
		return fail(0, err)
	}
	if wholeName(h.meta.Last) != name {
		return fail(0, fmt.Errorf("it is of %d@%d", h.meta.Last.Index, h.meta.Last.Term))
	}
	tail := make([]byte, footerSize)
	start := size - footerSize
	if start < int64(len(h.encoded)) {
		return fail(int64(len(h.encoded)), io.ErrUnexpectedEOF)
	}
	if err := readFull(file, tail, start); err != nil {
		return fail(start, err)
	}
	f, err := h.decodeFooter(tail)
	if err != nil {
		return fail(start, err)
	}
	info, err := h.info(f, size, name)
	if err != nil {
		return fail(start, err)
	}
	return h, info, nil
}

func readHeader(file vfs.File, size int64) (header, error) {
	if size < headerStart {
		return header{}, io.ErrUnexpectedEOF
	}
	start := make([]byte, headerStart)
	if err := readFull(file, start, 0); err != nil {
		return header{}, err
	}
	length, err := headerSize(start)
	if err != nil {
		return header{}, err
	}
	if int64(length) > size {
		return header{}, io.ErrUnexpectedEOF
	}
	b := make([]byte, length)
	if err := readFull(file, b, 0); err != nil {
		return header{}, err
	}
	return decodeHeader(b)
}

// readFull fills p. A file that ends before is an error.
func readFull(file vfs.File, p []byte, offset int64) error {
	n, err := file.ReadAt(p, offset)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

// Info is what the header and footer say.
func (r *Reader) Info() Info { return r.info }

// Read reads the content.
func (r *Reader) Read(p []byte) (int, error) {
	if r.at == r.info.Content || len(p) == 0 {
		return 0, r.atEnd()
	}
	data, err := r.next()
	if err != nil {
		return 0, err
	}
	n := copy(p, data)
	r.at += int64(n)
	return n, nil
}

// WriteTo writes the content, from where Read is.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	begin := r.at
	for r.at < r.info.Content {
		data, err := r.next()
		if err != nil {
			return r.at - begin, err
		}
		n, err := w.Write(data)
		r.at += int64(n)
		if err != nil {
			return r.at - begin, err
		}
	}
	return r.at - begin, nil
}

func (r *Reader) atEnd() error {
	if r.at == r.info.Content {
		return io.EOF
	}
	return nil
}

// next is what comes next of the content, up to the end of its chunk.
func (r *Reader) next() ([]byte, error) {
	number := r.at / chunkSize
	if err := r.load(number); err != nil {
		return nil, err
	}
	return r.chunk[frameSize+r.at%chunkSize:], nil
}

// load reads and checks a chunk, if it is not the current one. With the last one, after all
// others in their order, it compares the sum of all.
func (r *Reader) load(number int64) error {
	if r.file == nil {
		return fs.ErrClosed
	}
	if r.number == number {
		return nil
	}
	data := min(chunkSize, r.info.Content-number*chunkSize)
	if r.chunk == nil {
		r.chunk = make([]byte, frameSize+min(chunkSize, r.info.Content))
	}
	r.chunk = r.chunk[:frameSize+data]
	r.number = -1
	start := int64(len(r.header.encoded)) + number*(frameSize+chunkSize)
	if err := readFull(r.file, r.chunk, start); err != nil {
		return r.spoilt(start, err)
	}
	if !r.header.sealed(r.chunk, number) {
		return r.spoilt(start, errChecksum)
	}
	if number == r.chained {
		r.sum = chained(r.sum, r.chunk)
		r.chained++
	}
	if r.chained == chunksOf(r.info.Content) && r.sum != r.info.Sum {
		return r.spoilt(r.info.Size-footerSize, errors.New("the footer is of other content"))
	}
	r.number = number
	return nil
}

func (r *Reader) spoilt(offset int64, cause error) error {
	err := damaged(r.info.Name, offset, cause)
	r.store.spoil(r.info, err)
	return err
}

// ReadRaw reads the bytes of the file as they are, from an offset; it is fastest from
// the beginning to the end. At the end of the file it returns io.EOF.
func (r *Reader) ReadRaw(p []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, fmt.Errorf("%w: %d", ErrOffset, offset)
	}
	n := 0
	for n < len(p) {
		part, err := r.raw(offset + int64(n))
		if err != nil {
			return n, err
		}
		n += copy(p[n:], part)
	}
	return n, nil
}

// raw is bytes of the file from an offset on, as far as they are of one part.
func (r *Reader) raw(offset int64) ([]byte, error) {
	start, end := int64(len(r.header.encoded)), r.info.Size-footerSize
	switch {
	case r.file == nil:
		return nil, fs.ErrClosed
	case offset < start:
		return r.header.encoded[offset:], nil
	case offset >= r.info.Size:
		return nil, io.EOF
	case offset >= end:
		return r.footer[offset-end:], nil
	}
	number := (offset - start) / (frameSize + chunkSize)
	if err := r.load(number); err != nil {
		return nil, err
	}
	return r.chunk[(offset-start)%(frameSize+chunkSize):], nil
}

// Close ends the reading.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}
