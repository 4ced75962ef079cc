package snapshot

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/ben-ng/gaggle/vfs"
)

var errPower, errBroken = errors.New("no power"), errors.New("the disk is broken")

// disk is a small vfs.Dir: it can lose power before any operation, fill up, and fail.
type disk struct {
	mu      sync.Mutex
	names   map[string]*inode // as seen
	durable map[string]*inode // as a crash leaves it at least
	undo    []map[string]*inode
	ops     int
	dieAt   int // the operation before which power goes, if not 0
	room    int64
	fail    func(op, name string) error
	log     []string
}

type inode struct{ data, durable []byte }

func newDisk() *disk {
	return &disk{names: map[string]*inode{}, durable: map[string]*inode{}, room: 1 << 40}
}

// op counts a change, and says whether it fails.
func (d *disk) op(op, name string) error {
	d.ops++
	d.log = append(d.log, op+" "+name)
	if d.dieAt != 0 && d.ops >= d.dieAt {
		return errPower
	}
	if d.fail != nil {
		return d.fail(op, name)
	}
	return nil
}

// changed remembers the directory after each change that is not synced.
func (d *disk) changed() {
	d.undo = append(d.undo, maps.Clone(d.names))
}

// crash is the disk after power came back: of each file any subset of the sectors that were
// not synced, of the directory all changes up to some, for each name alone or for all.
func (d *disk) crash(r *rand.Rand) *disk {
	after := newDisk()
	states := append([]map[string]*inode{d.durable}, d.undo...)
	at, together := r.IntN(len(states)), r.IntN(2) == 0
	kept := map[*inode]*inode{}
	for _, name := range d.everNamed() {
		if !together {
			at = r.IntN(len(states))
		}
		node := states[at][name]
		if node == nil {
			continue
		}
		if kept[node] == nil {
			kept[node] = node.crash(r)
		}
		after.names[name], after.durable[name] = kept[node], kept[node]
	}
	return after
}

// everNamed is all names since the last sync of the directory, sorted.
func (d *disk) everNamed() []string {
	var names []string
	for _, state := range append(d.undo, d.durable) {
		names = slices.AppendSeq(names, maps.Keys(state))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (n *inode) crash(r *rand.Rand) *inode {
	length := len(n.durable)
	if longer := len(n.data); longer > length && r.IntN(2) == 0 {
		length = longer
	}
	data := make([]byte, length)
	copy(data, n.durable)
	all := r.IntN(3)
	for at := 0; at < length; at += vfs.SectorSize {
		end := min(at+vfs.SectorSize, length)
		if at < len(n.data) && (all == 0 || all == 1 && r.IntN(2) == 0) {
			copy(data[at:end], n.data[at:min(end, len(n.data))])
		}
	}
	return &inode{data, slices.Clone(data)}
}

func (d *disk) Create(name string) (vfs.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op("create", name); err != nil {
		return nil, err
	}
	if d.names[name] != nil {
		return nil, fs.ErrExist
	}
	d.names[name] = &inode{}
	d.changed()
	return &file{d, name, d.names[name], false}, nil
}

func (d *disk) Open(name string) (vfs.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[name] == nil {
		return nil, fs.ErrNotExist
	}
	return &file{d, name, d.names[name], false}, nil
}

func (d *disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op("rename", to); err != nil {
		return err
	}
	if d.names[from] == nil {
		return fs.ErrNotExist
	}
	d.names[to] = d.names[from]
	delete(d.names, from)
	d.changed()
	return nil
}

func (d *disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names[name] == nil {
		return fs.ErrNotExist
	}
	if err := d.op("remove", name); err != nil {
		return err
	}
	delete(d.names, name)
	d.changed()
	return nil
}

func (d *disk) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for name := range d.names {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

func (d *disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op("sync", "."); err != nil {
		return err
	}
	d.changed()
	d.durable, d.undo = d.undo[len(d.undo)-1], nil
	return nil
}

func (d *disk) Free() (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.free(), nil
}

// free is what is left of the room. The lock is held.
func (d *disk) free() int64 {
	free := d.room
	for _, node := range d.names {
		free -= int64(len(node.data))
	}
	return max(0, free)
}

func (d *disk) Lock() (io.Closer, error)          { return nil, errors.ErrUnsupported }
func (d *disk) Inode(string) (uint64, error)      { return 0, nil }
func (d *disk) Path() string                      { return "disk" }
func (d *disk) rot(name string, at int, bit byte) { d.names[name].data[at] ^= bit }

type file struct {
	disk   *disk
	name   string
	node   *inode
	closed bool
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.closed {
		return 0, fs.ErrClosed
	}
	if off >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.op("write", f.name); err != nil {
		return 0, err
	}
	if int64(len(p)) > f.disk.free() {
		return 0, &fs.PathError{Op: "write", Path: f.name, Err: vfs.ErrFull}
	}
	if end := int(off) + len(p); end > len(f.node.data) {
		f.node.data = append(f.node.data, make([]byte, end-len(f.node.data))...)
	}
	return copy(f.node.data[off:], p), nil
}

func (f *file) Size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.node.data)), nil
}

func (f *file) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.op("truncate", f.name); err != nil {
		return err
	}
	f.node.data = append(f.node.data, make([]byte, max(0, int(size)-len(f.node.data)))...)[:size]
	return nil
}

func (f *file) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.op("sync", f.name); err != nil {
		return err
	}
	f.node.durable = slices.Clone(f.node.data)
	return nil
}

func (f *file) Close() error {
	f.closed = true
	return nil
}
