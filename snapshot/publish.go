package snapshot

import (
	"fmt"
	"slices"

	"github.com/ben-ng/gaggle/raft"
)

// begin makes the file in which a snapshot is written. ended must follow.
func (s *Store) begin(h header) (*aside, error) {
	if err := s.accepts(h.cluster); err != nil {
		return nil, err
	}
	last := h.meta.Last
	if s.obsolete(last.Index) {
		return nil, obsolete(last)
	}
	if !s.claim(last) {
		return nil, fmt.Errorf("%w: %d@%d", ErrBusy, last.Index, last.Term)
	}
	a, err := createAside(s.dir, wholeName(last)+asideSuffix)
	if err != nil {
		s.ended(last)
	}
	return a, err
}

// claim makes the caller the only one who writes a snapshot of this position.
func (s *Store) claim(at raft.Position) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.writing, at) {
		return false
	}
	s.writing = append(s.writing, at)
	return true
}

// ended says that a snapshot is no longer being written.
func (s *Store) ended(at raft.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing = slices.DeleteFunc(s.writing, func(p raft.Position) bool { return p == at })
}

// publish makes a file a snapshot of the store, durably. If it fails, the file is gone.
func (s *Store) publish(a *aside, info Info) error {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	if s.has(info.Meta.Last) {
		return a.fail(obsolete(info.Meta.Last))
	}
	if err := a.become(info.Name); err != nil {
		if a.name == info.Name { // and was removed with the damaged one that it replaced
			s.mu.Lock()
			defer s.mu.Unlock()
			s.forget(info.Name)
		}
		return err
	}
	s.mu.Lock()
	s.forget(info.Name)
	s.usable = append(s.usable, info)
	sortNewestFirst(s.usable)
	s.mu.Unlock()
	// The snapshot is there. What could not be removed is tried again after the next one.
	_ = s.prune()
	_ = s.removeIncoming(func(id Identity) bool { return s.obsolete(id.Last.Index) })
	return nil
}

func (s *Store) has(at raft.Position) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.usable, func(i Info) bool { return i.Meta.Last == at })
}

// prune removes usable snapshots beyond those to be kept, and unusable ones that are older
// than all of these. The caller holds publishing.
func (s *Store) prune() error {
	for _, name := range s.superfluous() {
		if err := s.remove(name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) superfluous() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.usable) < s.keep {
		return nil
	}
	var names []string
	for _, info := range s.usable[s.keep:] {
		names = append(names, info.Name)
	}
	oldest := s.usable[s.keep-1].Meta.Last
	for _, d := range s.damaged {
		if at, ok := parseWhole(d.Name); ok && newestFirst(oldest, at) < 0 {
			names = append(names, d.Name)
		}
	}
	return names
}

// removeIncoming removes files that were being received, but not the one that is open: its owner finds out at its next piece.
func (s *Store) removeIncoming(gone func(Identity) bool) error {
	names, err := s.dir.List()
	if err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	for _, name := range names {
		id, ok := parseIncoming(name)
		if !ok || s.isOpen(id) || !gone(id) {
			continue
		}
		if err := removeIfThere(s.dir, name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) isOpen(id Identity) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.incoming != nil && s.incoming.id == id
}
