package snapshot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wire"
)

// defaultKeep is how many usable snapshots are kept: the newest, and one to fall back to
// when that is found to be damaged.
const defaultKeep = 2

// A Store is the snapshots of one directory, and the only one that writes them there. It is
// safe for concurrent use; what Create, Open and Receive return is for one goroutine each.
type Store struct {
	dir     vfs.Dir
	cluster wire.ClusterID
	// publishing is held while a file gets its name, and taken before mu.
	publishing sync.Mutex

	mu       sync.Mutex
	keep     int
	usable   []Info // newest first
	damaged  []Damage
	writing  []raft.Position
	incoming *Incoming // the one that is open
}

// Damage is a file named like a snapshot that is not usable.
type Damage struct {
	Name string
	// Err says why: ErrDamaged, ErrForeign or ErrVersion.
	Err error
}

// Open finds the snapshots of a directory by their headers and footers, and removes what an
// earlier process left half written, but not what it was receiving, unless that is obsolete.
// Files of other clusters are not usable; the zero ClusterID is for a store that takes those
// of any, and creates none. Open fails only if the directory or a file cannot be opened.
func Open(dir vfs.Dir, cluster wire.ClusterID) (*Store, error) {
	usable, unusable, err := Inspect(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, cluster: cluster, keep: defaultKeep, damaged: unusable}
	for _, info := range usable {
		if err := s.accepts(info.Cluster); err != nil {
			s.damaged = append(s.damaged, Damage{info.Name, err})
			continue
		}
		s.usable = append(s.usable, info)
	}
	names, err := dir.List()
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	for _, name := range names {
		if isAside(name) {
			if err := removeIfThere(dir, name); err != nil {
				return nil, err
			}
		}
	}
	return s, s.removeIncoming(func(id Identity) bool { return s.obsolete(id.Last.Index) })
}

// Inspect finds the snapshots of a directory, newest first, and the files that are none
// although they are named like it. It changes nothing.
func Inspect(dir vfs.Dir) (usable []Info, unusable []Damage, err error) {
	names, err := dir.List()
	if err != nil {
		return nil, nil, fmt.Errorf("snapshot: %w", err)
	}
	for _, name := range names {
		if _, ok := parseWhole(name); !ok {
			continue
		}
		file, err := dir.Open(name)
		if err != nil {
			return nil, nil, fmt.Errorf("snapshot: %w", err)
		}
		_, info, err := ends(file, name)
		_ = file.Close() // nothing was written
		if err != nil {
			unusable = append(unusable, Damage{name, err})
		} else {
			usable = append(usable, info)
		}
	}
	sortNewestFirst(usable)
	return usable, unusable, nil
}

// Latest is the newest usable snapshot: its header and footer were read and are as they were
// written, and no damage has been found in it since. It does not read.
func (s *Store) Latest() (Info, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.usable) == 0 {
		return Info{}, false
	}
	return s.usable[0], true
}

// List is all usable snapshots, newest first. It does not read.
func (s *Store) List() []Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.usable)
}

// Damaged is the files that are named like snapshots and not usable, as far as is known: in
// the order in which they were found.
func (s *Store) Damaged() []Damage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.damaged)
}

// Verify reads all of a snapshot, and returns an ErrDamaged if it is not as it was written.
func (s *Store) Verify(info Info) error {
	r, err := s.Open(info)
	if err != nil {
		return err
	}
	_, err = r.WriteTo(io.Discard)
	return errors.Join(err, r.Close())
}

// Keep says how many usable snapshots remain when there is a new one, at least 1; it is 2
// if this is not called. It removes what is more now, but nothing unusable that is newer.
func (s *Store) Keep(count int) error {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	s.mu.Lock()
	s.keep = max(1, count)
	s.mu.Unlock()
	return s.prune()
}

// Remove removes a snapshot, usable or not, by its name. Who is reading it may go on.
func (s *Store) Remove(name string) error {
	if _, ok := parseWhole(name); !ok {
		return fmt.Errorf("snapshot: %q is not the name of one: %w", name, fs.ErrNotExist)
	}
	s.publishing.Lock()
	defer s.publishing.Unlock()
	return s.remove(name)
}

func (s *Store) remove(name string) error {
	if err := removeIfThere(s.dir, name); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(name)
	return nil
}

// forget takes a file out of the lists. The caller holds mu.
func (s *Store) forget(name string) {
	s.usable = slices.DeleteFunc(s.usable, func(i Info) bool { return i.Name == name })
	s.damaged = slices.DeleteFunc(s.damaged, func(d Damage) bool { return d.Name == name })
}

// spoil notes that a snapshot was found to be damaged.
func (s *Store) spoil(info Info, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.usable, func(i Info) bool { return i.Name == info.Name && i.Sum == info.Sum })
	if at >= 0 {
		s.usable = slices.Delete(s.usable, at, at+1)
		s.damaged = append(s.damaged, Damage{info.Name, err})
	}
}

// accepts reports whether a snapshot of a cluster may be here.
func (s *Store) accepts(cluster wire.ClusterID) error {
	if cluster != s.cluster && s.cluster != (wire.ClusterID{}) {
		return fmt.Errorf("%w: it is of %v, this is %v", ErrForeign, cluster, s.cluster)
	}
	return nil
}

// obsolete reports whether there is a usable snapshot of this index or a later one.
func (s *Store) obsolete(index raft.Index) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.usable) > 0 && s.usable[0].Meta.Last.Index >= index
}

func obsolete(at raft.Position) error {
	return fmt.Errorf("%w: %d@%d", ErrObsolete, at.Index, at.Term)
}

func sortNewestFirst(infos []Info) {
	slices.SortFunc(infos, func(a, b Info) int { return newestFirst(a.Meta.Last, b.Meta.Last) })
}

func removeIfThere(dir vfs.Dir, name string) error {
	if err := dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("snapshot: %w", err)
	}
	return nil
}
