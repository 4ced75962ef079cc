package wal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sort"
	"sync"

	"github.com/ben-ng/gaggle/vfs"
)

// A disk is a directory in memory that counts what is done to it, and can stop, fail or
// lose power at each step, keeping what the test chooses of what was not synced.
type disk struct {
	mu    sync.Mutex
	files map[string]*diskFile // as programs see them
	// names are those that are durable, and changes what was done to them since.
	names   map[string]*diskFile
	changes []change
	// steps counts writes, syncs and changes of names; the step at which to fail, and how.
	steps, failAt int
	failure       error
	lastInode     uint64
	syncs, writes int
}

type change struct {
	from, to string // from "" creates file, to "" removes
	file     *diskFile
}

type diskFile struct {
	disk    *disk
	inode   uint64
	live    []byte
	durable []byte
	// dirty are the versions that each sector had since the last sync, latest last.
	dirty map[int][][]byte
}

var errPower = errors.New("the power is gone")

func newDisk() *disk {
	return &disk{files: map[string]*diskFile{}, names: map[string]*diskFile{}, failAt: -1}
}

// step counts a step, and fails if it is the one, and with errPower ever after.
func (d *disk) step() error {
	d.steps++
	if d.failAt < 0 || d.steps <= d.failAt {
		return nil
	}
	if errors.Is(d.failure, errPower) || d.steps == d.failAt+1 {
		return d.failure
	}
	return nil
}

// choose is asked for each thing that may be kept: how many versions there are, 0 is none.
type choose func(versions int) int

// crash makes a disk as a crash may leave this one.
func (d *disk) crash(pick choose) *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := newDisk()
	names := map[string]*diskFile{}
	for n, f := range d.names {
		names[n] = f
	}
	for _, c := range d.changes {
		if pick(1) == 0 {
			continue
		}
		switch {
		case c.from == "":
			names[c.to] = c.file
		case names[c.from] != nil:
			if c.to != "" {
				names[c.to] = names[c.from]
			}
			delete(names, c.from)
		}
	}
	for _, n := range slices.Sorted(func(yield func(string) bool) {
		for n := range names {
			if !yield(n) {
				return
			}
		}
	}) {
		after.put(n, names[n].crash(pick))
	}
	after.lastInode = d.lastInode
	return after
}

func (d *disk) put(name string, content []byte) {
	d.lastInode++
	f := &diskFile{disk: d, inode: d.lastInode, live: content, durable: slices.Clone(content), dirty: map[int][][]byte{}}
	d.files[name], d.names[name] = f, f
}

func (f *diskFile) crash(pick choose) []byte {
	content := slices.Clone(f.durable)
	sectors := []int{}
	for s := range f.dirty {
		sectors = append(sectors, s)
	}
	sort.Ints(sectors)
	for _, s := range sectors {
		versions := f.dirty[s]
		k := pick(len(versions))
		if k == 0 {
			continue
		}
		for len(content) < s*sectorSize+len(versions[k-1]) {
			content = append(content, 0)
		}
		copy(content[s*sectorSize:], versions[k-1])
	}
	return content
}

// copy is the same disk once more.
func (d *disk) copy() *disk {
	after := newDisk()
	for n, f := range d.files {
		after.put(n, slices.Clone(f.live))
	}
	return after
}

func (d *disk) Create(name string) (vfs.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] != nil {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrExist)
	}
	if err := d.step(); err != nil {
		return nil, err
	}
	d.lastInode++
	f := &diskFile{disk: d, inode: d.lastInode, dirty: map[int][][]byte{}}
	d.files[name] = f
	d.changes = append(d.changes, change{to: name, file: f})
	return f, nil
}

func (d *disk) Open(name string) (vfs.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] == nil {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return d.files[name], nil
}

func (d *disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[from] == nil {
		return fs.ErrNotExist
	}
	if err := d.step(); err != nil {
		return err
	}
	d.files[to] = d.files[from]
	delete(d.files, from)
	d.changes = append(d.changes, change{from: from, to: to})
	return nil
}

func (d *disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[name] == nil {
		return fs.ErrNotExist
	}
	if err := d.step(); err != nil {
		return err
	}
	delete(d.files, name)
	d.changes = append(d.changes, change{from: name})
	return nil
}

func (d *disk) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := []string{}
	for n := range d.files {
		names = append(names, n)
	}
	slices.Sort(names)
	return names, nil
}

func (d *disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return err
	}
	d.changes = nil
	d.names = map[string]*diskFile{}
	for n, f := range d.files {
		d.names[n] = f
	}
	return nil
}

func (d *disk) Lock() (io.Closer, error) { return io.NopCloser(nil), nil }
func (d *disk) Free() (int64, error)     { return 1 << 40, nil }
func (d *disk) Path() string             { return "a disk in memory" }
func (d *disk) Inode(n string) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files[n] == nil {
		return 0, fs.ErrNotExist
	}
	return d.files[n].inode, nil
}

func (f *diskFile) ReadAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if off >= int64(len(f.live)) {
		return 0, io.EOF
	}
	n := copy(p, f.live[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *diskFile) WriteAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err := f.disk.step()
	if err != nil && !errors.Is(err, errPower) {
		p = p[:len(p)/2] // some of it is written all the same
	}
	f.disk.writes++
	for len(f.live) < int(off)+len(p) {
		f.live = append(f.live, 0)
	}
	copy(f.live[off:], p)
	for s := int(off) / sectorSize; s*sectorSize < int(off)+len(p); s++ {
		version := slices.Clone(f.live[s*sectorSize : min((s+1)*sectorSize, len(f.live))])
		f.dirty[s] = append(f.dirty[s], version)
	}
	if err != nil {
		return len(p), err
	}
	return len(p), nil
}

func (f *diskFile) Close() error { return nil }

func (f *diskFile) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.live)), nil
}

func (f *diskFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.step(); err != nil {
		return err
	}
	for int64(len(f.live)) < size {
		f.live = append(f.live, make([]byte, size-int64(len(f.live)))...)
	}
	f.live = f.live[:size]
	return nil
}

func (f *diskFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.step(); err != nil {
		return err
	}
	f.disk.syncs++
	f.durable = slices.Clone(f.live)
	f.dirty = map[int][][]byte{}
	return nil
}
