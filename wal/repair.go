package wal

import (
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// Repair writes entries again whose data are damaged, as another node has them. Each must
// have an index and term that this log has. Errors are those of Append.
func (l *Log) Repair(entries []raft.Entry) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	b := l.begin()
	for i := range entries {
		e := &entries[i]
		if err := wire.CheckEntry(e); err != nil {
			return invalid("%v", err)
		}
		p := raft.Position{Index: e.Index, Term: e.Term}
		if e.Index <= b.table.base.Index || !b.table.holds(p) {
			return invalid("a repair of %v, which is not in the log", p)
		}
		if i == 0 || e.Index != entries[i-1].Index+1 {
			if err := b.flush(); err != nil {
				return err
			}
			b.open(flagRepair)
			term, _ := b.table.term(e.Index - 1)
			b.draft.before = raft.Position{Index: e.Index - 1, Term: term}
		}
		if err := b.addEntries(entries[i : i+1]); err != nil {
			return err
		}
	}
	if err := b.flush(); err != nil {
		return err
	}
	return l.write()
}
