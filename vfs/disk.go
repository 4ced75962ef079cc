package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
	"sync"
)

// ErrCrashed is what everything returns that was opened before a Crash, or comes after the
// power has gone.
var ErrCrashed = errors.New("the disk has lost power")

// A Disk is a directory in memory. It forgets what a disk may forget when power is lost, and
// does wrong what it is told to do wrong. It is deterministic: it has no clock, no chance
// and no goroutine of its own. It is safe for concurrent use.
//
// In a Disk that loses no power and has no faults, a directory in memory is all there is to
// see: nodes that keep everything in memory have their snapshots in one.
type Disk struct {
	mu sync.Mutex
	// names are as seen, durable as the last sync of the directory left them; pending is
	// what came in between.
	names, durable map[string]*diskFile
	pending        []dirOp
	// life counts crashes: what was opened before the last one is dead.
	life   int
	locked bool
	// inodes counts files, copies the copies that were made.
	inodes, copies uint64
	faults         Faults
	// open counts who has a file open, used is what all files take, in bytes.
	open map[*diskFile]int
	used int64
}

// A dirOp is a change of the directory, all or nothing.
type dirOp struct {
	set     string
	file    *diskFile // nil if set is removed
	removed string    // "" if nothing else is
}

func (o *dirOp) apply(names map[string]*diskFile) {
	if o.removed != "" {
		delete(names, o.removed)
	}
	if o.file == nil {
		delete(names, o.set)
	} else {
		names[o.set] = o.file
	}
}

// NewDisk makes an empty one.
func NewDisk() *Disk {
	return &Disk{names: map[string]*diskFile{}, durable: map[string]*diskFile{}, open: map[*diskFile]int{}}
}

// Create is Dir.Create.
func (d *Disk) Create(name string) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin(Op{Kind: OpCreate, Name: name}); err != nil {
		return nil, err
	}
	if d.names[name] != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	d.inodes++
	f := &diskFile{inode: d.inodes}
	d.change(dirOp{set: name, file: f})
	return d.handle(f, name), nil
}

// Open is Dir.Open.
func (d *Disk) Open(name string) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin(Op{Kind: OpOpen, Name: name}); err != nil {
		return nil, err
	}
	f := d.names[name]
	if f == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return d.handle(f, name), nil
}

func (d *Disk) handle(f *diskFile, name string) File {
	d.open[f]++
	return &diskHandle{d, f, name, d.life, false}
}

// Rename is Dir.Rename.
func (d *Disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := checkName(to); err != nil {
		return err
	}
	if err := d.begin(Op{Kind: OpRename, Name: from}); err != nil {
		return err
	}
	f := d.names[from]
	if f == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	d.change(dirOp{set: to, file: f, removed: from})
	return nil
}

// Remove is Dir.Remove.
func (d *Disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin(Op{Kind: OpRemove, Name: name}); err != nil {
		return err
	}
	if d.names[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	d.change(dirOp{set: name})
	return nil
}

// change makes a change that is seen at once, and durable after a sync.
func (d *Disk) change(o dirOp) {
	o.apply(d.names)
	d.pending = append(d.pending, o)
	d.account()
}

// account adds up what the files take that have a name or are open.
func (d *Disk) account() {
	d.used = 0
	named := map[*diskFile]bool{}
	for _, f := range d.names {
		named[f] = true
		d.used += f.now.size
	}
	for f := range d.open {
		if !named[f] {
			d.used += f.now.size
		}
	}
}

// List is Dir.List.
func (d *Disk) List() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin(Op{Kind: OpList}); err != nil {
		return nil, err
	}
	return sortedNames(d.names), nil
}

func sortedNames(names map[string]*diskFile) []string {
	list := make([]string, 0, len(names))
	for name := range names {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// Sync is Dir.Sync.
func (d *Disk) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin(Op{Kind: OpSyncDir}); err != nil {
		return err
	}
	if d.lies(Op{Kind: OpSyncDir}) {
		return nil
	}
	for i := range d.pending {
		d.pending[i].apply(d.durable)
	}
	d.pending = nil
	return nil
}

// Lock is Dir.Lock.
func (d *Disk) Lock() (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin(Op{Kind: OpLock}); err != nil {
		return nil, err
	}
	if d.locked {
		return nil, fmt.Errorf("%w: a disk in memory", ErrLocked)
	}
	d.locked = true
	return &diskLock{d, d.life}, nil
}

type diskLock struct {
	disk *Disk
	life int
}

func (l *diskLock) Close() error {
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	if l.life == l.disk.life {
		l.disk.locked = false
		l.life = -1
	}
	return nil
}

// Free is Dir.Free.
func (d *Disk) Free() (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin(Op{Kind: OpFree}); err != nil {
		return 0, err
	}
	return d.room(), nil
}

func (d *Disk) room() int64 {
	if d.faults.Quota == 0 {
		return math.MaxInt64 - d.used
	}
	return max(0, d.faults.Quota-d.used)
}

// Inode is Dir.Inode.
func (d *Disk) Inode(name string) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.begin(Op{Kind: OpInode, Name: name}); err != nil {
		return 0, err
	}
	f := d.names[name]
	if f == nil {
		return 0, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return f.inode, nil
}

// Path is Dir.Path.
func (d *Disk) Path() string { return "in memory" }

// Copy is another disk with the same files, as they are seen, all durable; as with any copy,
// they are other files than these.
func (d *Disk) Copy() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := NewDisk()
	d.copies++
	c.inodes = d.inodes + d.copies<<32
	for _, name := range sortedNames(d.names) {
		c.inodes++
		f := &diskFile{inode: c.inodes, now: d.names[name].now.clone()}
		f.safe = f.now.clone()
		c.names[name], c.durable[name] = f, f
	}
	c.account()
	return c
}

// Crash takes the power away and brings it back. What was not durable is there or not, each
// sector and each change of the directory by itself, as choose says: choose(n) is to be
// from 0 to n-1. Of what was opened before, nothing works any more, and locks are gone.
func (d *Disk) Crash(choose func(n int) int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.life++
	d.locked, d.faults.dead = false, false
	clear(d.open)
	for _, o := range d.pending {
		if choose(2) == 1 {
			o.apply(d.durable)
		}
	}
	d.pending = nil
	for _, name := range sortedNames(d.durable) {
		if f := d.durable[name]; f.life != d.life { // else it has two names
			f.life = d.life
			f.crash(choose)
		}
	}
	d.names = map[string]*diskFile{}
	for name, f := range d.durable {
		d.names[name] = f
	}
	d.account()
}

// String is a line for each file.
func (d *Disk) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b strings.Builder
	for _, name := range sortedNames(d.names) {
		f := d.names[name]
		fmt.Fprintf(&b, "%s: %d bytes, %d writes not synced\n", name, f.now.size, len(f.pending))
	}
	return b.String()
}
