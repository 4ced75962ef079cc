package wal

import (
	"slices"

	"github.com/ben-ng/gaggle/raft"
)

// A loader keeps the newest entries of a log that is being read, and all configurations.
type loader struct {
	// above: only entries after it are loaded.
	above raft.Index
	// limit is how many bytes are kept, by raft.Entry.Size, and bytes how many are.
	limit, bytes int64
	chunks       []chunk
	configs      []raft.Entry
}

// A chunk is the entries of one block.
type chunk struct {
	entries []raft.Entry
	bytes   int64
}

// take takes the entries of a block, unless one of them is damaged. Then nothing that was
// loaded is of use: what is loaded has to go on to the end of the log.
func (l *loader) take(b *block, region []byte, bad []raft.Position) {
	if b.flags&flagRepair != 0 {
		return
	}
	if b.flags&(flagReset|flagTruncate) != 0 {
		l.truncate(b.before.Index)
		if b.flags&flagReset != 0 {
			l.drop()
			l.configs = nil
		}
	}
	l.takeConfigs(b, region)
	if b.entries == 0 {
		return
	}
	if b.end.Index <= l.above || len(bad) > 0 {
		l.drop()
	}
	from := max(b.before.Index, l.above)
	if len(bad) > 0 {
		from = max(from, bad[len(bad)-1].Index)
	}
	if from >= b.end.Index {
		return
	}
	c := load(b, region, from)
	l.chunks = append(l.chunks, c)
	for l.bytes += c.bytes; l.bytes > l.limit && len(l.chunks) > 0; {
		l.bytes -= l.chunks[0].bytes
		l.chunks[0] = chunk{}
		l.chunks = l.chunks[1:]
	}
}

// load copies the entries of a block after an index.
func load(b *block, region []byte, from raft.Index) chunk {
	c := chunk{entries: make([]raft.Entry, 0, b.end.Index-from)}
	arena := make([]byte, 0, len(region)+len(b.inlined))
	w := walker{block: b, region: region}
	var e raft.Entry
	for _, ok := w.entry(&e); ok; _, ok = w.entry(&e) {
		if e.Index <= from {
			continue
		}
		arena, e.Data = keepData(arena, e.Data)
		c.entries = append(c.entries, e)
		c.bytes += int64(e.Size())
	}
	return c
}

// keepData copies data into an arena that has room for it; no data are nil.
func keepData(arena, data []byte) (rest, kept []byte) {
	if len(data) == 0 {
		return arena, nil
	}
	n := len(arena)
	arena = append(arena, data...)
	return arena, arena[n:len(arena):len(arena)]
}

func (l *loader) takeConfigs(b *block, region []byte) {
	if !b.configs {
		return
	}
	w := walker{block: b, region: region}
	var e raft.Entry
	for _, ok := w.entry(&e); ok; _, ok = w.entry(&e) {
		if e.Type == raft.EntryConfiguration {
			e.Data = slices.Clone(e.Data)
			l.configs = append(l.configs, e)
		}
	}
}

func (l *loader) drop() { l.chunks, l.bytes = nil, 0 }

// truncate forgets the entries after an index.
func (l *loader) truncate(to raft.Index) {
	l.configs = slices.DeleteFunc(l.configs, func(e raft.Entry) bool { return e.Index > to })
	for n := len(l.chunks); n > 0; n = len(l.chunks) {
		c := &l.chunks[n-1]
		if c.entries[len(c.entries)-1].Index <= to {
			return
		}
		if first := c.entries[0].Index; first > to {
			l.bytes -= c.bytes
			l.chunks = l.chunks[:n-1]
			continue
		}
		kept := c.entries[:to+1-c.entries[0].Index]
		for i := len(kept); i < len(c.entries); i++ {
			c.bytes -= int64(c.entries[i].Size())
			l.bytes -= int64(c.entries[i].Size())
		}
		c.entries = kept
		return
	}
}

// entries returns what is loaded after an index, if it goes on to the end of the log.
func (l *loader) entries(after, last raft.Index) []raft.Entry {
	var all []raft.Entry
	for _, c := range l.chunks {
		all = append(all, c.entries...)
	}
	for len(all) > 0 && all[0].Index <= after {
		all = all[1:]
	}
	if len(all) == 0 || all[len(all)-1].Index != last {
		return nil
	}
	return all
}
