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
)

func (k OpKind) String() string {
	return [...]string{"create", "open", "rename", "remove", "list", "sync directory", "read", "write", "truncate", "sync"}[k]
}

// Changes reports whether an operation may change what is on the disk.
func (k OpKind) Changes() bool { return k != OpOpen && k != OpList && k != OpRead }

// An Op is one operation on a disk.
type Op struct {
	Kind OpKind
	// Name is the file, empty for the directory.
	Name string
	// Offset and Length are where in the file, for reads and writes.
	Offset int64
	Length int
}

// Faults are what a Disk does wrong.
type Faults struct {
	// Fail, if not nil, is asked before each operation, and its error is that of the
	// operation, which then does nothing. A Sync that fails loses what it was to make
	// durable: it is seen until the power goes, and no later Sync makes it durable, though
	// it returns nil, which is what systems do.
	Fail func(Op) error
	// Quota is how many bytes there is room for; 0 is no limit. A write beyond it is done as
	// far as there is room.
	Quota int64
	// Lying: syncs say that all is durable, and nothing is.
	Lying bool

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
	if d.faults.Fail != nil {
		if err := d.faults.Fail(o); err != nil {
			return fmt.Errorf("%s %s: %w", o.Kind, o.Name, err)
		}
	}
	return nil
}

// Garble changes bytes of a file where they lie, seen and durable alike: rot, or a write
// that went astray. It reports whether the file reaches as far.
func (d *Disk) Garble(name string, offset int64, change func([]byte), length int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[name]
	if f == nil || offset+int64(length) > f.now.size {
		return false
	}
	for _, c := range []*content{&f.now, &f.safe} {
		b := make([]byte, length)
		c.read(b, offset)
		change(b)
		if size := c.size; offset+int64(length) <= size {
			c.write(b, offset)
		}
	}
	return true
}
