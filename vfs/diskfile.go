package vfs

import (
	"fmt"
	"io"
	"maps"
)

// A diskFile is a file of a Disk: what is seen of it, what is safe, and what lies between.
type diskFile struct {
	inode uint64
	now   content
	safe  content
	// pending are the writes since the last sync, in their order.
	pending []pendingWrite
	// life is that of the disk in which the last crash was dealt with.
	life int
}

// A pendingWrite is whole sectors as a write left them, none if the file was cut or made
// longer, and how long it was then.
type pendingWrite struct {
	sector  int64
	sectors []byte
	size    int64
	// lost: a sync failed. It is seen until the disk loses power, and will never be safe; no
	// later sync finds anything of it to write.
	lost bool
}

// pageSize is the unit in which contents are kept, in bytes: whole sectors.
const pageSize = 8 * SectorSize

// content is the bytes of a file. Pages that are not there are zeros. A page is shared
// between contents, and copied by the first that changes it.
type content struct {
	size  int64
	pages map[int64]*page
}

type page struct {
	bytes  [pageSize]byte
	shared bool
}

// clone is a content that shares its pages with this one.
func (c *content) clone() content {
	for _, p := range c.pages {
		p.shared = true
	}
	return content{c.size, maps.Clone(c.pages)}
}

// read reads what there is, and zeros where there was no write, also beyond the end.
func (c *content) read(b []byte, offset int64) {
	for len(b) > 0 {
		within := offset % pageSize
		n := min(int64(len(b)), pageSize-within)
		if p := c.pages[offset/pageSize]; p != nil {
			copy(b[:n], p.bytes[within:])
		} else {
			clear(b[:n])
		}
		b, offset = b[n:], offset+n
	}
}

// write writes bytes, and makes the content longer if they end beyond it.
func (c *content) write(b []byte, offset int64) {
	c.size = max(c.size, offset+int64(len(b)))
	for len(b) > 0 {
		within := offset % pageSize
		n := min(int64(len(b)), pageSize-within)
		if p := c.own(offset/pageSize, b[:n]); p != nil {
			copy(p.bytes[within:], b[:n])
		}
		b, offset = b[n:], offset+n
	}
}

// own returns a page that may be changed; none if it is all zeros and is to be written with
// zeros.
func (c *content) own(at int64, b []byte) *page {
	p := c.pages[at]
	switch {
	case p == nil && allZero(b):
		return nil
	case p == nil:
		p = &page{}
	case p.shared:
		p = &page{bytes: p.bytes}
	default:
		return p
	}
	if c.pages == nil {
		c.pages = map[int64]*page{}
	}
	c.pages[at] = p
	return p
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// truncate makes it that long.
func (c *content) truncate(size int64) {
	if size < c.size {
		if within := size % pageSize; within > 0 && c.pages[size/pageSize] != nil {
			clear(c.own(size/pageSize, []byte{1}).bytes[within:])
		}
		maps.DeleteFunc(c.pages, func(at int64, _ *page) bool { return at*pageSize >= size })
	}
	c.size = size
}

// write takes note of a write.
func (f *diskFile) write(b []byte, offset int64) {
	f.now.write(b, offset)
	first := offset / SectorSize
	last := (offset + int64(len(b)) + SectorSize - 1) / SectorSize
	sectors := make([]byte, (last-first)*SectorSize)
	f.now.read(sectors, first*SectorSize)
	f.pending = append(f.pending, pendingWrite{sector: first, sectors: sectors, size: f.now.size})
}

// sync makes safe what is pending, unless it is lost.
func (f *diskFile) sync() {
	lost := false
	for _, w := range f.pending {
		lost = lost || w.lost
	}
	if !lost {
		f.pending = nil
		f.safe = f.now.clone()
		return
	}
	var kept []pendingWrite
	for _, w := range f.pending {
		if w.lost {
			kept = append(kept, w)
			continue
		}
		if f.safe.write(w.sectors, w.sector*SectorSize); f.safe.size > w.size || w.sectors == nil {
			f.safe.truncate(w.size)
		}
	}
	f.pending = kept
}

// lose makes what is pending never safe.
func (f *diskFile) lose() {
	for i := range f.pending {
		f.pending[i].lost = true
	}
}

// crash leaves what is safe, and of what is pending what choose says: each sector by itself,
// whether the file was cut, and whether it is as long as it was though what made it so is
// gone, in which case there are zeros.
func (f *diskFile) crash(choose func(n int) int) {
	for _, w := range f.pending {
		switch {
		case w.lost:
		case w.sectors == nil:
			if choose(2) == 1 {
				f.safe.truncate(w.size)
			}
		default:
			f.crashWrite(&w, choose)
		}
	}
	if n := len(f.pending); n > 0 && f.pending[n-1].size > f.safe.size && choose(2) == 1 {
		f.safe.truncate(f.pending[n-1].size)
	}
	f.pending = nil
	f.now = f.safe.clone()
}

func (f *diskFile) crashWrite(w *pendingWrite, choose func(n int) int) {
	size := max(f.safe.size, w.size)
	for i := int64(0); i < int64(len(w.sectors)); i += SectorSize {
		if choose(2) == 1 {
			f.safe.write(w.sectors[i:i+SectorSize], w.sector*SectorSize+i)
		}
	}
	f.safe.truncate(min(f.safe.size, size)) // the last sector is not all the file's
}

// diskHandle is an open file of a Disk.
type diskHandle struct {
	disk   *Disk
	file   *diskFile
	name   string
	life   int
	closed bool
}

// begin begins an operation. The lock is held.
func (h *diskHandle) begin(kind OpKind, offset int64, length int) error {
	if h.closed {
		return fmt.Errorf("vfs: %s: the file is closed", h.name)
	}
	if h.life != h.disk.life {
		return ErrCrashed
	}
	return h.disk.begin(Op{Kind: kind, Name: h.name, Offset: offset, Length: length})
}

func (h *diskHandle) ReadAt(b []byte, offset int64) (int, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.begin(OpRead, offset, len(b)); err != nil {
		return 0, err
	}
	n := int(max(0, min(int64(len(b)), h.file.now.size-offset)))
	h.file.now.read(b[:n], offset)
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (h *diskHandle) WriteAt(b []byte, offset int64) (int, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.begin(OpWrite, offset, len(b)); err != nil {
		return 0, err
	}
	var full error
	if beyond := offset + int64(len(b)) - h.file.now.size - h.disk.room(); beyond > 0 {
		// What fits is written, as a system does.
		full = fmt.Errorf("%w: %s", ErrFull, h.name)
		b = b[:max(0, int64(len(b))-beyond)]
	}
	if len(b) > 0 {
		grown := max(0, offset+int64(len(b))-h.file.now.size)
		h.file.write(b, offset)
		h.disk.used += grown
	}
	return len(b), full
}

func (h *diskHandle) Size() (int64, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.closed || h.life != h.disk.life {
		return 0, ErrCrashed
	}
	return h.file.now.size, nil
}

func (h *diskHandle) Truncate(size int64) error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.begin(OpTruncate, size, 0); err != nil {
		return err
	}
	f := h.file
	if size-f.now.size > h.disk.room() {
		return fmt.Errorf("%w: %s", ErrFull, h.name)
	}
	f.now.truncate(size)
	f.pending = append(f.pending, pendingWrite{size: size})
	h.disk.account()
	return nil
}

func (h *diskHandle) Sync() error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.begin(OpSync, 0, 0); err != nil {
		h.file.lose()
		return err
	}
	if !h.disk.faults.Lying {
		h.file.sync()
	}
	return nil
}

func (h *diskHandle) Close() error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	h.closed = true
	return nil
}
