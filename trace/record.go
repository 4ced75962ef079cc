package trace

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

const (
	magic   = "gaggletr"
	version = 1
	// stopped is added to the version of a file whose recording has stopped.
	stopped = 128
	// headerStart is what comes before the id in a header, recordHead what comes before the
	// body of a record, and sumSize the length of a checksum, in bytes.
	headerStart = len(magic) + 2
	recordHead  = 4 + sumSize
	sumSize     = 4
	// maxRecord is the longest body of a record, in bytes: far above the largest step, which is
	// a start with the end of a log that is kept in memory, so that a length that is nonsense is told.
	maxRecord = 256 << 20
)

func sum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// header is what the file of a node begins with; how is stopped, or 0.
func header(node raft.NodeID, how byte) ([]byte, error) {
	if node == raft.None || len(node) > wire.MaxNodeID {
		return nil, malformed("an id of %d bytes", len(node))
	}
	b := append([]byte(magic), version|how, byte(len(node)))
	b = append(b, node...)
	return binary.LittleEndian.AppendUint32(b, sum(b)), nil
}

// appendRecord appends the record of a step; last is the state after the one before it, if that
// is in the same file.
func appendRecord(b []byte, t *raft.Trace, last *raft.TraceState) ([]byte, error) {
	e := encoder{b: append(b, make([]byte, recordHead)...)}
	same := 0
	if last != nil && t.After == *last && t.Saved == nil {
		same = sameState
	}
	switch {
	case t.Saved != nil:
		e.u8(kindStart)
		e.saved(t.Saved)
	case t.Update != nil:
		e.u8(kindUpdate | same)
		e.update(t.Update)
	default:
		e.u8(kindEvent | same)
		e.event(t.Event)
		e.failure(t.Err)
	}
	e.effects(t.Effects)
	if same == 0 {
		e.state(&t.After)
	}
	body := e.b[len(b)+recordHead:]
	if e.err == nil && len(body) > maxRecord {
		e.err = ErrTooLarge
	}
	if e.err != nil {
		return b, e.err
	}
	binary.LittleEndian.PutUint32(e.b[len(b):], uint32(len(body)))
	binary.LittleEndian.PutUint32(e.b[len(b)+sumSize:], sum(body))
	return e.b, nil
}

// readRecord reads the body of a record; last is as for appendRecord.
func readRecord(body []byte, last *raft.TraceState) (*raft.Trace, error) {
	d := decoder{b: body}
	kind := d.u8()
	t := &raft.Trace{}
	switch kind &^ sameState {
	case kindStart:
		t.Saved = d.saved()
	case kindEvent:
		t.Event, t.Err = d.event(), d.failure()
	case kindUpdate:
		t.Update = d.update()
	default:
		return nil, malformed("a record of kind %d", kind)
	}
	t.Effects = several(&d, d.effect)
	switch {
	case kind&sameState == 0:
		t.After = d.state()
	case last == nil || t.Saved != nil:
		return nil, malformed("a record without a state")
	default:
		t.After = *last
	}
	if d.err == nil && len(d.b) > 0 {
		d.fail(malformed("%d bytes after the end of a record", len(d.b)))
	}
	if d.err != nil {
		return nil, d.err
	}
	return t, nil
}
