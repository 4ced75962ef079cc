package wire

import (
	"encoding/binary"

	"github.com/ben-ng/gaggle/raft"
)

// A reader takes values from the front of some bytes. It keeps its first error; from
// then on, nothing is left, and all it gives is zero. So only the end of a sequence of
// reads has to ask whether there was one.
type reader struct {
	rest  []byte
	size  int // of all the bytes, for saying where an error is
	err   error
	names names
}

func (r *reader) reset(b []byte) { r.rest, r.size, r.err = b, len(b), nil }

// fail keeps the first error. It leaves nothing to read, so that every later read
// fails too, at no cost to those that succeed.
func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = within(err, "byte %d", r.size-len(r.rest))
	}
	r.rest = nil
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.short(n)
		return nil
	}
	b := part(r.rest, 0, n)
	r.rest = r.rest[n:]
	return b
}

// short fails for want of bytes. Only the first time does it cost anything.
func (r *reader) short(n int) {
	if r.err == nil {
		r.fail(malformed("%d bytes are wanted, %d are there", n, len(r.rest)))
	}
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) bool() bool {
	v := r.u8()
	if v > 1 {
		r.fail(malformed("a bool of %d", v))
	}
	return v == 1
}

func (r *reader) index() raft.Index { return raft.Index(r.u64()) }

func (r *reader) position() raft.Position {
	return raft.Position{Index: r.index(), Term: raft.Term(r.u64())}
}

// count checks the number of elements that follow. It is refused if it exceeds the
// limit, or if that many cannot be there: size is that of the smallest one.
func (r *reader) count(what string, n uint32, limit, size int) int {
	if uint64(n) > uint64(limit) {
		r.fail(tooLarge(what, uint64(n), uint64(limit)))
		return 0
	}
	if uint64(n)*uint64(size) > uint64(len(r.rest)) {
		r.fail(malformed("%d %s, but %d bytes are there", n, what, len(r.rest)))
		return 0
	}
	return int(n)
}

// end reports the first error, or that something is left. It lets go of the bytes.
func (r *reader) end() error {
	if len(r.rest) > 0 {
		r.fail(malformed("%d bytes after the end", len(r.rest)))
	}
	err := r.err
	r.reset(nil)
	return err
}

// message reads a message of a kind.
func (r *reader) message(k kind, f *Frame) any {
	if k.raft() {
		m := newRaftMessage(k)
		m.From, m.To, m.Term = f.From, f.To, raft.Term(r.u64())
		_, body := openRaft(m.Body)
		r.body(body)
		return m
	}
	body := newBody(k)
	r.body(body)
	return body
}

// body reads what follows into what was made for its kind, which is nil for a kind
// that there is not.
func (r *reader) body(b body) {
	if b == nil {
		r.fail(malformed("there is no such kind"))
		return
	}
	b.decode(r)
}

// tail takes all that is left.
func (r *reader) tail() []byte { return r.take(len(r.rest)) }

// text takes a string that begins with its length.
func (r *reader) text() []byte { return r.take(int(r.u8())) }

func (r *reader) ids() []raft.NodeID {
	n := r.count("ids", uint32(r.u8()), MaxMembers, 2)
	if n == 0 {
		return nil
	}
	ids := make([]raft.NodeID, n)
	for i := range ids {
		ids[i] = raft.NodeID(r.text())
	}
	return ids
}

func (r *reader) clusters() []ClusterID {
	n := r.count("abandoned charters", uint32(r.u8()), MaxAbandoned, len(ClusterID{}))
	if n == 0 {
		return nil
	}
	ids := make([]ClusterID, n)
	for i := range ids {
		copy(ids[i][:], r.take(len(ids[i])))
	}
	return ids
}

// claims reads what nodes claim of their ids.
func (r *reader) claims() []Claim {
	n := r.count("contested claims", uint32(r.u8()), MaxContested, 1+1+8+8)
	if n == 0 {
		return nil
	}
	claims := make([]Claim, n)
	for i := range claims {
		claims[i] = Claim{ID: raft.NodeID(r.text()), Starts: r.u64(), Nonce: r.u64()}
	}
	return claims
}

func (r *reader) positions() []raft.Position {
	n := r.count("positions", uint32(r.u8()), MaxFetch, 16)
	if n == 0 {
		return nil
	}
	positions := make([]raft.Position, n)
	for i := range positions {
		positions[i] = r.position()
	}
	return positions
}

// entries reads as many entries as were announced.
func (r *reader) entries(announced uint32, limit int) []raft.Entry {
	n := r.count("entries", announced, limit, EntryOverhead)
	if n == 0 {
		return nil
	}
	entries := make([]raft.Entry, n)
	for i := range entries {
		rest, err := decodeEntry(r.rest, &entries[i])
		if err != nil {
			r.fail(within(err, "entry %d", i))
			return nil
		}
		r.rest = rest
	}
	return entries
}

func (r *reader) commands() [][]byte {
	n := r.count("commands", r.u32(), MaxEntries, 4)
	if n == 0 {
		return nil
	}
	commands := make([][]byte, n)
	for i := range commands {
		length := r.u32()
		if length > MaxEntryData {
			r.fail(tooLarge("a command", uint64(length), MaxEntryData))
			return nil
		}
		commands[i] = r.take(int(length))
	}
	return commands
}

func (r *reader) configuration() raft.Configuration {
	c, err := decodeConfiguration(r.tail())
	if err != nil {
		r.fail(err)
	}
	return c
}

// names remembers the last strings that were read, so that reading them again
// allocates nothing. A cluster has few nodes and handlers: looking at all of them is
// cheaper than to hash.
type names struct {
	kept [16]string
	next int
}

func (n *names) get(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	for _, s := range n.kept {
		if s == string(b) {
			return s
		}
	}
	s := string(b)
	n.kept[n.next] = s
	n.next = (n.next + 1) % len(n.kept)
	return s
}
