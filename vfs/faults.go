package vfs

import "fmt"

// An OpKind is what is done with a disk.
type OpKind uint8

const (
	OpCreate OpKind = iota
	OpOpen
	OpRename
	OpRemove
	OpList
	OpSyncDir
	OpRead
	OpWrite
	OpTruncate
	OpSync
	OpSize
	OpInode
	OpFree
	OpLock
)

func (k OpKind) String() string {
	return [...]string{"create", "open", "rename", "remove", "list", "sync directory", "read", "write", "truncate", "sync",
		"size", "inode", "free", "lock"}[k]
}

// Changes reports whether an operation may change what is on the disk.
func (k OpKind) Changes() bool { return k != OpOpen && k != OpList && k != OpRead && k < OpSize }

// named reports whether an operation is of the directory and takes a name.
func (k OpKind) named() bool {
	return k == OpCreate || k == OpOpen || k == OpRename || k == OpRemove || k == OpInode
}

// An Op is one operation on a disk.
type Op struct {
	Kind OpKind
	// Name is the file, empty for the directory.
	Name string
	// Offset and Length are where in the file, for reads and writes.
	Offset int64
	Length int
}

// NoRoom is the Quota of a disk on which there is room for nothing.
const NoRoom = -1

// Faults are what a Disk does wrong.
type Faults struct {
	// Fail, if not nil, is asked before each operation, of whatever kind but Close and Path,
	// and its error is that of the operation, which then does nothing. A Sync that fails loses what it was to make
	// durable: it is seen until the power goes, and no later Sync makes it durable, though
	// it returns nil, which is what systems do.
	Fail func(Op) error
	// Half: a write that Fail fails is done as far as its middle all the same.
	Half bool
	// Forget: what a failed Sync of a file lost is not seen any more either.
	Forget bool
	// Quota is how many bytes there is room for; 0 is no limit, NoRoom no room at all. A
	// write beyond it is done as far as there is room. A file that was removed takes its
	// room until all who have it open have closed it.
	Quota int64
	// Lie, if not nil, is asked at each Sync of a file or of the directory that does not
	// fail; if it says so, the Sync returns nil and makes nothing durable.
	Lie func(Op) bool
	// Misdirect, if not nil, is asked at each write; if it names a file, the bytes land in
	// that one, in place of what is there, and not where they belong, though the write
	// returns nil. They begin at the last sector at or below the offset that it gives; what
	// would go beyond the end of the file, or is for a file that is not there, lands nowhere.
	Misdirect func(Op) (name string, offset int64)

	dead bool
}

// SetFaults says what the disk does wrong from now on.
func (d *Disk) SetFaults(f Faults) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f.dead = d.faults.dead
	d.faults = f
}

// PowerOff makes everything fail until Crash, as nothing happens any more.
func (d *Disk) PowerOff() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults.dead = true
}

// begin asks whether an operation fails. The lock is held.
func (d *Disk) begin(o Op) error {
	if d.faults.dead {
		return ErrCrashed
	}
	if o.Kind.named() {
		if err := checkName(o.Name); err != nil {
			return err
		}
	}
	if d.faults.Fail != nil {
		if err := d.faults.Fail(o); err != nil {
			return fmt.Errorf("%s %s: %w", o.Kind, o.Name, err)
		}
	}
	return nil
}

// lies reports whether a sync only says that it was done. The lock is held.
func (d *Disk) lies(o Op) bool { return d.faults.Lie != nil && d.faults.Lie(o) }

// misdirected is where a write lands that goes astray. The lock is held.
func (d *Disk) misdirected(o Op) (name string, offset int64, astray bool) {
	if d.faults.Misdirect == nil {
		return "", 0, false
	}
	name, offset = d.faults.Misdirect(o)
	return name, offset - offset%SectorSize, name != ""
}

// Garble changes bytes of a file where they lie, whether they are durable or not yet: rot.
// It reports whether the file reaches as far. Change is called for each version of the
// bytes that a crash may leave, and is to do the same to all.
func (d *Disk) Garble(name string, offset int64, change func([]byte), length int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[name]
	if f == nil || offset+int64(length) > f.now.size {
		return false
	}
	f.garble(offset, change, length)
	return true
}
