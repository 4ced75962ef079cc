package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// Errors of identities.
var (
	// ErrNoIdentity: the directory is not a node's yet.
	ErrNoIdentity = errors.New("wal: the directory has no identity")
	// ErrCopied: the directory is a copy. The original may be in use, and two nodes with
	// one identity would vote twice.
	ErrCopied = errors.New("wal: the directory is a copy")
)

const (
	identityName  = "identity"
	birthName     = "birth"
	identityMagic = 0x4947
	// identitySectors is how often it is in its file.
	identitySectors = 2
	// identityFixed is where the names begin.
	identityFixed = 48
	maxName       = 255
)

// An Identity says whose a directory is. It is used by one goroutine at a time.
type Identity struct {
	// Directory is random, and names everything that lies in the directory.
	Directory [16]byte
	// Node is the node whose promises are kept here.
	Node raft.NodeID
	// Cluster and Size are the name, at most 255 bytes, and the size of its cluster.
	Cluster string
	Size    int
	// Starts is how many times Started was called.
	Starts uint64

	dir vfs.Dir
	// birth is the inode of a file that is never written again; 0 if it is not known.
	birth uint64
}

// CreateIdentity makes a directory a node's, durably. The caller chooses id.Directory at
// random. It fails with ErrExists if the directory is one already.
func CreateIdentity(dir vfs.Dir, id Identity) (*Identity, error) {
	if len(id.Node) < 1 || len(id.Node) > raft.MaxNodeIDLen || len(id.Cluster) > maxName || id.Size < 0 || id.Size > 1<<31-1 {
		return nil, fmt.Errorf("wal: an identity for %q in a cluster %q of %d", id.Node, id.Cluster, id.Size)
	}
	if there, err := exists(dir, identityName); err != nil {
		return nil, err
	} else if there {
		return nil, fmt.Errorf("%w: the identity of %s", ErrExists, dir.Path())
	}
	id.dir = dir
	if err := id.born(); err != nil {
		return nil, err
	}
	return &id, id.write()
}

// OpenIdentity reads a directory's identity. The errors are ErrNoIdentity, ErrVersion,
// ErrForeign if the file is not one of this package, or cannot be read any more, and
// ErrCopied: a copy that is meant to take the place of the original needs Adopt.
func OpenIdentity(dir vfs.Dir) (*Identity, error) {
	id, err := ReadIdentity(dir)
	if err != nil {
		return nil, err
	}
	if id.birth == 0 {
		return id, nil
	}
	inode, err := dir.Inode(birthName)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return nil, err
	}
	if missing || inode != 0 && inode != id.birth {
		return nil, fmt.Errorf("%w: %s is not where node %s of cluster %q has its data; if the original is gone for good, it can be adopted",
			ErrCopied, dir.Path(), id.Node, id.Cluster)
	}
	return id, nil
}

// Adopt makes a copy of a directory the node's. Whoever calls it answers for it that the
// original is not used again, and that nothing was promised in it after the copy was made.
func Adopt(dir vfs.Dir) (*Identity, error) {
	id, err := ReadIdentity(dir)
	if err != nil {
		return nil, err
	}
	if err := id.born(); err != nil {
		return nil, err
	}
	return id, id.write()
}

// Started counts a start, durably.
func (id *Identity) Started() error {
	next := *id
	next.Starts++
	if err := next.write(); err != nil {
		return err
	}
	*id = next
	return nil
}

// born takes the inode of the file that is there for it, and makes that if it is not.
func (id *Identity) born() error {
	there, err := exists(id.dir, birthName)
	if err != nil {
		return err
	}
	if !there {
		file, err := id.dir.Create(birthName)
		if err != nil {
			return err
		}
		if err := errors.Join(file.Sync(), file.Close()); err != nil {
			return err
		}
	}
	if err := id.dir.Sync(); err != nil {
		return err
	}
	id.birth, err = id.dir.Inode(birthName)
	return err
}

func exists(dir vfs.Dir, name string) (bool, error) {
	names, err := dir.List()
	if err != nil {
		return false, err
	}
	for _, n := range names {
		if n == name {
			return true, nil
		}
	}
	return false, nil
}

// write replaces the file.
func (id *Identity) write() error { return vfs.WriteFile(id.dir, identityName, id.encode()) }

func (id *Identity) encode() []byte {
	b := make([]byte, identitySectors*sectorSize)
	le := binary.LittleEndian
	le.PutUint16(b[8:], version)
	b[10], b[11] = byte(len(id.Node)), byte(len(id.Cluster))
	le.PutUint32(b[12:], uint32(id.Size))
	le.PutUint64(b[16:], id.Starts)
	le.PutUint64(b[24:], id.birth)
	copy(b[32:], id.Directory[:])
	n := copy(b[identityFixed:], id.Node)
	copy(b[identityFixed+n:], id.Cluster)
	copy(b[sectorSize:], b[:sectorSize])
	for i := range identitySectors {
		seal(b[i*sectorSize:(i+1)*sectorSize], identityMagic, uint16(i))
	}
	return b
}

// ReadIdentity reads whose a directory is, also if it is a copy, from whichever of the two in
// the file is whole.
func ReadIdentity(dir vfs.Dir) (*Identity, error) {
	file, err := dir.Open(identityName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoIdentity, dir.Path())
	}
	if err != nil {
		return nil, err
	}
	id := &Identity{dir: dir}
	for i := range identitySectors {
		b := make([]byte, sectorSize)
		if n, _ := file.ReadAt(b, int64(i)*sectorSize); n < sectorSize || !sealed(b, identityMagic, uint16(i)) {
			continue
		}
		return id, errors.Join(id.decode(b), file.Close())
	}
	return nil, errors.Join(fmt.Errorf("%w, or damaged: %s in %s", ErrForeign, identityName, dir.Path()), file.Close())
}

func (id *Identity) decode(b []byte) error {
	le := binary.LittleEndian
	if v := le.Uint16(b[8:]); v != version {
		return fmt.Errorf("%w %d", ErrVersion, v)
	}
	node, cluster := int(b[10]), int(b[11])
	id.Size = int(le.Uint32(b[12:]))
	id.Starts = le.Uint64(b[16:])
	id.birth = le.Uint64(b[24:])
	id.Directory = [16]byte(b[32:identityFixed])
	id.Node = raft.NodeID(b[identityFixed : identityFixed+node])
	id.Cluster = string(b[identityFixed+node : identityFixed+node+cluster])
	return nil
}
