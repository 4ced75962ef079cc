package vfs

import "maps"

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

// resize cuts the file, or makes it longer.
func (f *diskFile) resize(size int64) {
	f.now.truncate(size)
	f.pending = append(f.pending, pendingWrite{size: size})
}

// forget makes what is seen what is safe.
func (f *diskFile) forget() {
	f.pending = nil
	f.now = f.safe.clone()
}

// garble changes bytes in every version of them.
func (f *diskFile) garble(offset int64, change func([]byte), length int) {
	for _, c := range []*content{&f.now, &f.safe} {
		if offset+int64(length) > c.size {
			continue
		}
		b := make([]byte, length)
		c.read(b, offset)
		change(b)
		c.write(b, offset)
	}
	for i := range f.pending {
		f.pending[i].garble(offset, change, length)
	}
}

// garble changes those of the bytes that were written. All of them are there for change, so
// that it does the same to them as elsewhere.
func (w *pendingWrite) garble(offset int64, change func([]byte), length int) {
	start := w.sector * SectorSize
	from, to := max(offset, start), min(offset+int64(length), start+int64(len(w.sectors)))
	if from >= to {
		return
	}
	b := make([]byte, length)
	copy(b[from-offset:], w.sectors[from-start:to-start])
	change(b)
	copy(w.sectors[from-start:to-start], b[from-offset:to-offset])
}

// sync makes safe what is pending, unless it is lost.
func (f *diskFile) sync() {
	lost := false
	for _, w := range f.pending {
		lost = lost || w.lost
	}
	if !lost {
		f.syncAll()
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

// syncAll makes safe all that is seen. It looks only at what has changed, so that a long
// file costs no more than a short one.
func (f *diskFile) syncAll() {
	for _, w := range f.pending {
		if w.sectors == nil && w.size < f.safe.size {
			f.safe.truncate(w.size)
		}
	}
	for _, w := range f.pending {
		end := w.sector*SectorSize + int64(len(w.sectors))
		for at := w.sector * SectorSize / pageSize; at*pageSize < end; at++ {
			f.share(at)
		}
	}
	f.safe.size = f.now.size
	f.pending = nil
}

// share makes a page safe as it is seen.
func (f *diskFile) share(at int64) {
	p := f.now.pages[at]
	if p == nil {
		return // zeros, or cut off: the cut of what is safe has dealt with it
	}
	p.shared = true
	if f.safe.pages == nil {
		f.safe.pages = map[int64]*page{}
	}
	f.safe.pages[at] = p
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
