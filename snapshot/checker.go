package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A checker is given the bytes of a file in order, in pieces of any length, and hands on
// the file's parts, each when all of it has come and is as it was written.
type checker struct {
	name string
	// begun is called once, with the header, and then pass with the bytes of each part, the
	// header's first. The bytes are only lent. What they refuse ends the checker.
	begun func(header) error
	pass  func(part []byte) error

	part   []byte // of the part that has not all come
	passed int64  // length of the parts before it
	header header
	chunks int64
	length int64 // of the data so far
	sum    uint64
	info   Info
	whole  bool
	err    error
}

// Write takes the next bytes. It is an io.Writer; an error is final.
func (c *checker) Write(p []byte) (int, error) {
	rest := p
	for len(rest) > 0 && c.err == nil {
		if c.whole {
			c.fail(errors.New("more after its end"))
			break
		}
		n := min(c.missing(), len(rest))
		c.part = append(c.part, rest[:n]...)
		rest = rest[n:]
		if c.missing() == 0 && c.err == nil {
			c.complete()
		}
	}
	return len(p) - len(rest), c.err
}

// offset is how many bytes have come.
func (c *checker) offset() int64 { return c.passed + int64(len(c.part)) }

// end is what the file turned out to be, when its last byte has come.
func (c *checker) end() (Info, error) {
	if c.err == nil && !c.whole {
		return Info{}, damaged(c.name, c.offset(), fmt.Errorf("it ends too early: %w", ErrIncomplete))
	}
	return c.info, c.err
}

func (c *checker) fail(cause error) { c.err = damaged(c.name, c.passed, cause) }

// missing is how many bytes the current part is known to need still, 0 if it is complete.
func (c *checker) missing() int {
	var need int
	switch {
	case c.passed == 0 && len(c.part) < headerStart:
		need = headerStart
	case c.passed == 0:
		var err error
		if need, err = headerSize(c.part); err != nil {
			c.fail(err)
		}
	case len(c.part) < frameSize:
		need = frameSize
	default:
		need = c.announced()
	}
	return max(0, need-len(c.part))
}

// announced is the length of a part after the header, by its first bytes.
func (c *checker) announced() int {
	length := binary.LittleEndian.Uint32(c.part)
	switch {
	case length == 0:
		return footerSize
	case length > chunkSize:
		c.fail(fmt.Errorf("a chunk of %d bytes", length))
	case c.length%chunkSize != 0:
		c.fail(errors.New("a chunk after the last"))
	}
	return frameSize + int(length)
}

// complete checks a part and hands it on.
func (c *checker) complete() {
	first := c.passed == 0
	if err := c.check(); err != nil {
		c.fail(err)
		return
	}
	if first {
		c.err = c.begun(c.header)
	}
	if c.err == nil {
		c.err = c.pass(c.part)
	}
	if c.err == nil {
		c.passed += int64(len(c.part))
		c.part = c.part[:0]
	}
}

func (c *checker) check() (err error) {
	switch {
	case c.passed == 0:
		c.header, err = decodeHeader(c.part)
		c.sum = c.header.chainStart()
		return err
	case binary.LittleEndian.Uint32(c.part) == 0:
		return c.checkFooter()
	case !c.header.sealed(c.part, c.chunks):
		return errChecksum
	}
	c.sum = chained(c.sum, c.part)
	c.length += int64(len(c.part) - frameSize)
	c.chunks++
	return nil
}

func (c *checker) checkFooter() error {
	f, err := c.header.decodeFooter(c.part)
	if err != nil {
		return err
	}
	if f != (footer{c.length, c.sum}) {
		return errors.New("the footer is of other content")
	}
	c.info, err = c.header.info(f, c.passed+footerSize, c.name)
	c.whole = err == nil
	return err
}
