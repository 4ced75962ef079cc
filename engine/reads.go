package engine

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// maxReadRounds is how many read rounds a node has under way; reads that come
// meanwhile share the next one.
const maxReadRounds = 4

// readWaiter is one Read call, or a handler that may begin after a read.
type readWaiter struct {
	done chan error
	// gone: its caller has stopped to wait.
	gone atomic.Bool
	// begin, for a handler, is called in the turn in the place of done; it takes a place
	// of the running calls, and none of the open requests.
	begin func(error)
}

// readRound is the reads that share one read index.
type readRound struct {
	token   uint64
	waiters []*readWaiter
	askedAt uint64
	// confirmed: index is known, and only has to be applied.
	confirmed bool
	index     raft.Index
}

// readSource is who asked the core, as a leader, for a read index: this node, or
// another one with a token of its own.
type readSource struct {
	from  raft.NodeID
	token uint64
}

// reader sees this node's reads through. Only turns touch it.
type reader struct {
	waiting []*readWaiter
	rounds  []*readRound
	// tokens numbers what is asked, here or elsewhere.
	tokens uint64
	leader raft.NodeID
	term   raft.Term
	// sources are the reads that the core has taken as a leader, by its token.
	sources   map[uint64]readSource
	notBefore uint64
}

// Read returns when this node, and its state machine if it has one, has applied everything
// that was committed anywhere before the call (a linearizable read barrier, thesis §6.4).
// It writes nothing.
// Errors: that of the context, ErrBusy, ErrStandby, ErrClosed.
func (n *Node) Read(ctx context.Context) error {
	if ctx.Err() != nil {
		return n.failure("read", ctx.Err(), "nothing was read")
	}
	r, err := n.BeginRead()
	if err != nil {
		return err
	}
	return r.Wait(ctx)
}

// A Reading is a read barrier under way.
type Reading struct {
	node   *Node
	waiter readWaiter
}

// BeginRead begins a read barrier and returns at once.
// Errors: ErrBusy, ErrStandby, ErrClosed.
func (n *Node) BeginRead() (*Reading, error) {
	r := &Reading{node: n, waiter: readWaiter{done: make(chan error, 1)}}
	err := n.inbox.putRequest(0, func(in *input) { in.reads = append(in.reads, &r.waiter) })
	if err != nil {
		return nil, n.failure("read", err, "")
	}
	return r, nil
}

// Wait waits until the barrier is reached, and is for one caller. If the context ends
// first, the read is given up.
func (r *Reading) Wait(ctx context.Context) error {
	select {
	case err := <-r.waiter.done:
		return err
	case <-ctx.Done():
		r.waiter.gone.Store(true)
		return r.node.gaveUp("read", ctx.Err(), "nothing was read")
	}
}

// Poll reports, without waiting, whether the barrier was reached, or the error with
// which the read ended. It reports that once.
func (r *Reading) Poll() (done bool, err error) {
	select {
	case err := <-r.waiter.done:
		return true, err
	default:
		return false, nil
	}
}

// endRead answers a read that is not served.
func (n *Node) endRead(w *readWaiter, err error) {
	n.settleRead(w)
	w.end(err)
}

// settleRead takes a read off the account of open requests.
func (n *Node) settleRead(w *readWaiter) {
	if w.begin == nil {
		n.settledRequests.add(0)
	}
}

func (w *readWaiter) end(err error) {
	if w.begin != nil {
		w.begin(err)
	} else {
		w.done <- err
	}
}

// pumpReads asks the leader on behalf of all reads that wait.
func (n *Node) pumpReads() {
	r := &n.reader
	_, term, leader := n.core.Leadership()
	if leader != r.leader || term != r.term {
		r.leader, r.term, r.notBefore = leader, term, 0
		r.askAgain(func(*readRound) bool { return true })
	}
	if leader == raft.None || len(r.waiting) == 0 || r.unconfirmed() >= maxReadRounds || n.now < r.notBefore {
		return
	}
	r.tokens++
	round := &readRound{token: r.tokens, waiters: r.waiting, askedAt: n.now}
	if leader != n.config.ID {
		n.post(leader, &wire.ReadIndex{Token: round.token})
	} else if !n.askCore(readSource{n.config.ID, round.token}) {
		r.notBefore = n.now + 1
		return
	}
	r.waiting = nil
	r.rounds = append(r.rounds, round)
}

func (r *reader) unconfirmed() int {
	count := 0
	for _, round := range r.rounds {
		if !round.confirmed {
			count++
		}
	}
	return count
}

// askCore puts a read to the core, which may refuse.
func (n *Node) askCore(s readSource) bool {
	r := &n.reader
	r.tokens++
	if n.core.Step(raft.Read{Token: r.tokens}) != nil {
		return false
	}
	r.sources[r.tokens] = s
	return true
}

// askAgain gives up on unconfirmed rounds and lets their reads wait for the next.
func (r *reader) askAgain(which func(*readRound) bool) {
	rounds := r.rounds[:0]
	for _, round := range r.rounds {
		if !round.confirmed && which(round) {
			r.waiting = append(r.waiting, round.waiters...)
			continue
		}
		rounds = append(rounds, round)
	}
	clear(r.rounds[len(rounds):])
	r.rounds = rounds
}

// readAnswered passes on what the core says to a read.
func (n *Node) readAnswered(result raft.ReadResult) {
	s, ok := n.reader.sources[result.Token]
	if !ok {
		return
	}
	delete(n.reader.sources, result.Token)
	if s.from == n.config.ID {
		n.roundAnswered(s.token, result.Err == nil, result.Index)
		return
	}
	n.post(s.from, &wire.ReadIndexReply{Token: s.token, OK: result.Err == nil, Index: result.Index})
}

// roundAnswered follows the leader's answer to this node's round.
func (n *Node) roundAnswered(token uint64, ok bool, index raft.Index) {
	r := &n.reader
	if !ok {
		r.notBefore = n.now + 1
		r.askAgain(func(round *readRound) bool { return round.token == token })
		return
	}
	for _, round := range r.rounds {
		if round.token == token && !round.confirmed {
			round.confirmed, round.index = true, index
		}
	}
	n.releaseReads()
}

// releaseReads lets the reads go whose index is applied.
func (n *Node) releaseReads() {
	r := &n.reader
	if len(r.rounds) == 0 {
		return
	}
	rounds := r.rounds[:0]
	for _, round := range r.rounds {
		if !round.confirmed || round.index > n.applied {
			rounds = append(rounds, round)
			continue
		}
		n.serve(round.waiters)
	}
	clear(r.rounds[len(rounds):])
	r.rounds = rounds
}

// readRequested is another node's question for a read index.
func (n *Node) readRequested(from raft.NodeID, m *wire.ReadIndex) {
	if !n.askCore(readSource{from, m.Token}) {
		n.post(from, &wire.ReadIndexReply{Token: m.Token})
	}
}

// tickReads asks again what was not answered for a while, and forgets those whose
// callers have gone. The question keeps its token: an answer to the first asking comes
// from after these reads began too, and a leader far away may take longer than any
// patience.
func (n *Node) tickReads() {
	r := &n.reader
	r.waiting = n.withoutGone(r.waiting)
	rounds := r.rounds[:0]
	patience := uint64(n.config.Raft.ElectionTicksMax)
	for _, round := range r.rounds {
		if round.waiters = n.withoutGone(round.waiters); len(round.waiters) == 0 {
			continue
		}
		rounds = append(rounds, round)
		if !round.confirmed && r.leader != n.config.ID && n.now-round.askedAt >= patience {
			round.askedAt = n.now
			n.post(r.leader, &wire.ReadIndex{Token: round.token})
		}
	}
	clear(r.rounds[len(rounds):])
	r.rounds = rounds
}

// withoutGone returns the reads that somebody still waits for.
func (n *Node) withoutGone(waiters []*readWaiter) []*readWaiter {
	return slices.DeleteFunc(waiters, func(w *readWaiter) bool {
		gone := w.gone.Load()
		if gone {
			n.settleRead(w)
		}
		return gone
	})
}
