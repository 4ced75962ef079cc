package engine

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"maps"
	"slices"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
)

// What a snapshot of a node holds: the head, which is the engine's own state, behind its
// length as a varint, and then whatever the state machine writes.
//
//	head:  sessions, behind their length · skipped
type snapshotHead struct {
	sessions *sessions
	skipped  skipped
}

// maxSnapshotHead bounds what is read of a head before it has proved to be one, in bytes:
// far above what 128 sessions and the ranges of a log take.
const maxSnapshotHead = 1 << 30

var errNoHead = errors.New("the snapshot's head is malformed")

// stateTable is the polynomial of the sums by which nodes compare their states.
var stateTable = crc64.MakeTable(crc64.ECMA)

// writeSnapshot writes a snapshot, and sums up what has to be equal on all nodes: the
// sessions and the state machine. What was skipped is known from where a node began.
func writeSnapshot(store *snapshot.Store, meta raft.SnapshotMeta, head snapshotHead, state func(io.Writer) error) (snapshot.Info, uint64, error) {
	w, err := store.Create(meta)
	if err != nil {
		return snapshot.Info{}, 0, err
	}
	table := head.sessions.appendBinary(nil)
	sum := crc64.New(stateTable)
	_, _ = sum.Write(table)
	_, err = w.Write(appendBytes(nil, head.skipped.appendBinary(appendBytes(nil, table))))
	if err == nil {
		file := &noted{w: w}
		err = state(io.MultiWriter(file, sum))
		if err != nil && file.err == nil { // the file took all that it was given
			err = fmt.Errorf("%w: writing its snapshot at %d: %w", ErrMachine, meta.Last.Index, err)
		}
	}
	if err != nil {
		_ = w.Abort()
		return snapshot.Info{}, 0, err
	}
	info, err := w.Commit()
	return info, sum.Sum64(), err
}

// noted is a writer that remembers its error, by which it is known whose failure it is.
type noted struct {
	w   io.Writer
	err error
}

func (n *noted) Write(p []byte) (int, error) {
	done, err := n.w.Write(p)
	n.err = errors.Join(n.err, err)
	return done, err
}

// readSnapshotHead reads the head, and leaves the reader at what the state machine wrote.
func readSnapshotHead(r *bufio.Reader) (snapshotHead, error) {
	length, err := binary.ReadUvarint(r)
	if err != nil || length > maxSnapshotHead {
		return snapshotHead{}, errors.Join(errNoHead, err)
	}
	// What is not there is not allocated for.
	b, err := io.ReadAll(io.LimitReader(r, int64(length)))
	if err != nil || uint64(len(b)) < length {
		return snapshotHead{}, errors.Join(errNoHead, err)
	}
	table, rest, err := sized(b)
	if err != nil {
		return snapshotHead{}, err
	}
	var h snapshotHead
	if h.sessions, table, err = decodeSessions(table); err != nil {
		return snapshotHead{}, err
	}
	if h.skipped, rest, err = decodeSkipped(rest); err != nil {
		return snapshotHead{}, err
	}
	if len(table) > 0 || len(rest) > 0 {
		return snapshotHead{}, errNoHead
	}
	return h, nil
}

// openSnapshot opens a snapshot and reads its head. The reader goes on with what the state
// machine wrote.
func openSnapshot(store *snapshot.Store, info snapshot.Info) (snapshotHead, io.ReadCloser, error) {
	file, err := store.Open(info)
	if err != nil {
		return snapshotHead{}, nil, err
	}
	buffered := bufio.NewReader(file)
	head, err := readSnapshotHead(buffered)
	if err != nil {
		_ = file.Close()
		return snapshotHead{}, nil, fmt.Errorf("snapshot at %v: %w", info.Meta.Last, err)
	}
	return head, stateReader{buffered, file}, nil
}

// stateReader reads what the state machine wrote.
type stateReader struct {
	io.Reader
	io.Closer
}

// restore makes the state that of a snapshot: what follows is applied on top of it.
func (n *Node) restore(info snapshot.Info, head snapshotHead) {
	last := info.Meta.Last.Index
	n.items, n.left, n.backlog = nil, nil, backlog{}
	n.applied, n.feedApplied = last, last
	n.sessions = head.sessions
	n.feed.begin(last+1, last, head.skipped)
	n.checkpoints = checkpoints{latest: last, previous: last, latestSize: info.Size}
	n.appliedInSnapshot()
	if n.applier != nil {
		n.restoreMachine(info)
	}
	n.releaseReads()
	n.memberStatusDue = true
}

const inSnapshotHint = "the node was sent a snapshot in which it was, or was not, applied; look out for it in the state"

// appliedInSnapshot follows what of this node's own a snapshot stands for. Where an append
// ended up in the log, and what became of it, it does not say.
func (n *Node) appliedInSnapshot() {
	p := &n.proposer
	for _, index := range slices.Sorted(maps.Keys(p.once)) {
		if q := p.once[index]; index <= n.applied {
			delete(p.once, index)
			n.resolve(q, Item{}, n.failure("append", ErrUncertain, inSnapshotHint))
		}
	}
	ses := n.sessions.byID[p.session]
	if p.session == 0 {
		if own := n.sessions.byNode[n.config.ID]; own != nil {
			n.opened(own)
		}
		return
	}
	for p.window.size > 0 && (ses == nil || p.base <= ses.last) {
		q := p.window.pop()
		p.sentBytes = max(0, p.sentBytes-len(q.command))
		p.base++
		n.resolve(q, Item{}, n.failure("append", ErrUncertain, inSnapshotHint))
	}
	p.sent = max(p.sent, p.base)
	p.progressAt, p.waitingSince = n.now, n.now
	if ses == nil {
		p.session, p.base, p.next, p.sent, p.sentBytes = 0, 1, 1, 1, 0
	}
}

// skippedSoFar is what was left out of the log up to what is applied.
func (n *Node) skippedSoFar() skipped {
	n.feed.mu.Lock()
	s := n.feed.skipped.clone()
	n.feed.mu.Unlock()
	for _, index := range n.left {
		s.add(index)
	}
	return s
}
