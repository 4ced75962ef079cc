package engine

import (
	"context"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// sentSerials lists the serial numbers of the appends that a node has sent since the
// last time, in order.
func sentSerials(t *testing.T, s *spy) []uint64 {
	t.Helper()
	serials := []uint64{}
	for _, m := range taken[*wire.Proposals](s) {
		for _, data := range m.Entries {
			c, err := decodeCommand(data)
			if err != nil || c.kind != commandAppend {
				t.Fatalf("%x was proposed: %v", data, err)
			}
			serials = append(serials, c.serial)
		}
	}
	return serials
}

// serials lists numbers from first to last.
func serials(first, last uint64) []uint64 {
	all := []uint64{}
	for s := first; s <= last; s++ {
		all = append(all, s)
	}
	return all
}

func wantSent(t *testing.T, s *spy, when string, want []uint64) {
	t.Helper()
	if got := sentSerials(t, s); !slices.Equal(got, want) {
		t.Fatalf("%s, sent are %v; want %v", when, got, want)
	}
}

// heartbeat lets a node hear its leader, in a term of so much more.
func heartbeat(n *Node, leader raft.NodeID, later raft.Term) {
	hear(n, leader, &raft.Message{From: leader, To: n.ID(), Term: n.Status().Term + later, Body: &raft.Heartbeat{}})
}

// wait returns how a proposal ended that has ended.
func wait(t testing.TB, p *Proposal) (Item, error) {
	t.Helper()
	if len(p.ready) == 0 {
		t.Fatal("the proposal has not ended")
	}
	return p.Wait(context.Background())
}

// apply lets a node apply an append of its own session as if it had been committed.
func applyOwn(n *Node, serial uint64) {
	command := newAppend([]byte("x"))
	setSerial(command, n.proposer.session, serial)
	_ = n.do(func() { n.apply(&raft.Entry{Index: n.applied + 1, Term: 1, Data: command}) })
	n.Turn()
}

func TestProposalsGetConsecutiveSerialNumbersInTheirOrder(t *testing.T) {
	_, _, follower := leads(t, 3)
	s := spyOn(t, follower)
	for i := range 10 {
		propose(t, follower, number(i))
	}
	follower.Turn()
	var got []string
	for _, m := range s.sent {
		for _, data := range m.(*wire.Proposals).Entries {
			c, _ := decodeCommand(data)
			got = append(got, string(c.value))
		}
	}
	for i, value := range got {
		if value != number(i) {
			t.Fatalf("value %d is %s", i, value)
		}
	}
	wantSent(t, s, "at first", serials(2, 11)) // the session began with a hello
	propose(t, follower, "next")
	follower.Turn()
	wantSent(t, s, "later", serials(12, 12))
}

func TestAProposalEndsWhenItIsAppliedWithItsPlaceInTheLog(t *testing.T) {
	f, _, follower := leads(t, 3)
	p := propose(t, follower, "egg")
	follower.Turn()
	if len(p.ready) > 0 {
		t.Fatal("the proposal ended before it was committed")
	}
	f.until("the proposal has ended", func() bool { return len(p.ready) > 0 })
	item, err := wait(t, p)
	if err != nil || string(item.Value) != "egg" || item.Index != follower.applied || item.Term != follower.Status().Term {
		t.Errorf("the outcome is %+v, %v", item, err)
	}
	if again, err := wait(t, p); err != nil || again.Index != item.Index {
		t.Errorf("waiting again gives %+v, %v", again, err)
	}
	if follower.inbox.proposals != (load{}) {
		t.Errorf("proposals are still counted as open: %+v", follower.inbox.proposals)
	}
}

func TestWhatIsSentToALeaderElsewhereHasALimit(t *testing.T) {
	_, _, follower := leads(t, 3)
	s := spyOn(t, follower)
	const size = 100_000
	for range 100 { // 10 MB
		propose(t, follower, string(make([]byte, size)))
	}
	follower.Turn()
	bytes := 0
	messages := taken[*wire.Proposals](s)
	for _, m := range messages {
		sum := 0
		for _, data := range m.Entries {
			sum += len(data)
		}
		if sum > forwardBytes+size+appendHeader {
			t.Errorf("a message has %d bytes of proposals", sum)
		}
		bytes += sum
	}
	if bytes < forwardWindowBytes || bytes > forwardWindowBytes+forwardBytes+size+appendHeader {
		t.Fatalf("%d bytes were sent; the window has %d", bytes, forwardWindowBytes)
	}
	pass(follower, 1)
	wantSent(t, s, "without progress", nil)
	for serial := range uint64(10) {
		applyOwn(follower, 2+serial)
	}
	if more := sentSerials(t, s); len(more) < 8 || len(more) > 12 {
		t.Errorf("when 10 were applied, %d more were sent", len(more))
	}
}

func TestAfterARefusalTheSameIsSentAgainLater(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	for i := range 5 {
		propose(t, follower, number(i))
	}
	follower.Turn()
	wantSent(t, s, "at first", serials(2, 6))
	hear(follower, "stranger", &wire.ProposalsRefused{})
	pass(follower, follower.config.Raft.HeartbeatTicks)
	wantSent(t, s, "after a stranger's refusal", nil)
	hear(follower, leader.ID(), &wire.ProposalsRefused{Reason: wire.Busy})
	propose(t, follower, "new")
	pass(follower, follower.config.Raft.HeartbeatTicks-1)
	wantSent(t, s, "right after the refusal", nil)
	pass(follower, 1)
	wantSent(t, s, "later", serials(2, 7))
}

func TestANewLeaderIsSentWhatIsNotApplied(t *testing.T) {
	f, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	for i := range 5 {
		propose(t, follower, number(i))
	}
	follower.Turn()
	wantSent(t, s, "at first", serials(2, 6))
	applyOwn(follower, 2)
	applyOwn(follower, 3)
	wantSent(t, s, "with progress", nil)
	heartbeat(follower, f.other(leader, follower).ID(), 1)
	wantSent(t, s, "with the next leader", serials(4, 6))
	heartbeat(follower, f.other(leader, follower).ID(), 1)
	wantSent(t, s, "with the same leader in another term", serials(4, 6))
	heartbeat(follower, f.other(leader, follower).ID(), 0)
	wantSent(t, s, "with its next heartbeat", nil)
}

func TestASilentLeaderIsSentTheSameAgainWithGrowingPatience(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	propose(t, follower, "x")
	follower.Turn()
	wantSent(t, s, "at first", serials(2, 2))
	patience := follower.config.Raft.ElectionTicksMax
	for doublings := range maxRetryDoublings + 2 {
		ticks := 0
		for ; len(taken[*wire.Proposals](s)) == 0 && ticks < 10000; ticks++ {
			heartbeat(follower, leader.ID(), 0)
			s.sent = nil
			pass(follower, 1)
		}
		if want := patience << min(doublings, maxRetryDoublings); ticks != want {
			t.Errorf("attempt %d came after %d ticks, want %d", doublings+2, ticks, want)
		}
	}
	aThird := (patience<<maxRetryDoublings + 2) / 3 // or a little more
	for i, c := range []struct{ after, want int }{
		{0, maxRetryDoublings}, // a patience that was needed stays
		{aThird, maxRetryDoublings},
		{aThird - 1, maxRetryDoublings - 1},
		{0, maxRetryDoublings - 2},
		{0, 0},
	} {
		if i > 0 {
			propose(t, follower, "x")
			follower.Turn()
		}
		for range c.after {
			heartbeat(follower, leader.ID(), 0)
			pass(follower, 1)
		}
		applyOwn(follower, uint64(i)+2)
		if got := follower.proposer.doublings; got != c.want {
			t.Errorf("after progress %d the patience is doubled %d times, want %d", i, got, c.want)
		}
	}
}

func TestPatienceCountsFromTheLastProgress(t *testing.T) {
	_, leader, follower := leads(t, 3)
	spyOn(t, follower)
	for range 3 {
		propose(t, follower, "x")
	}
	follower.Turn()
	follower.proposer.doublings = 2
	for range 2 * follower.config.Raft.ElectionTicksMax {
		heartbeat(follower, leader.ID(), 0)
		pass(follower, 1)
	}
	for i, want := range []int{2, 1, 0} {
		applyOwn(follower, uint64(i)+2)
		if got := follower.proposer.doublings; got != want {
			t.Errorf("after progress %d the patience is doubled %d times, want %d", i, got, want)
		}
	}
}

func TestAnAppendAfterAPauseIsNotSentTwice(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	patience := follower.config.Raft.ElectionTicksMax
	wait := func(ticks int) {
		for range ticks {
			heartbeat(follower, leader.ID(), 0)
			pass(follower, 1)
		}
	}
	for serial := range uint64(3) {
		wait(2 * patience)
		s.sent = nil
		propose(t, follower, "x")
		follower.Turn()
		wait(patience - 1)
		wantSent(t, s, "before the patience ends", serials(serial+2, serial+2))
		applyOwn(follower, serial+2)
	}
}

func TestAGapIsFilledOnce(t *testing.T) {
	_, _, follower := leads(t, 3)
	s := spyOn(t, follower)
	for i := range 4 {
		propose(t, follower, number(i))
	}
	follower.Turn()
	wantSent(t, s, "at first", serials(2, 5))
	applyOwn(follower, 3) // the message with 2 was lost
	wantSent(t, s, "when a gap shows", serials(2, 5))
	applyOwn(follower, 4)
	applyOwn(follower, 5)
	wantSent(t, s, "while the gap shows further", nil)
	applyOwn(follower, 2)
	applyOwn(follower, 5)
	wantSent(t, s, "when another gap shows", serials(3, 5))
}

func TestWhatTheChannelRefusesIsTakenBackAndSentLater(t *testing.T) {
	for _, refusal := range []error{channel.ErrBusy, channel.ErrUnknownPeer} {
		_, _, follower := leads(t, 3)
		s := spyOn(t, follower)
		s.refuse = refusal
		propose(t, follower, "1")
		propose(t, follower, "2")
		follower.Turn()
		s.refuse = nil
		propose(t, follower, "3")
		pass(follower, follower.config.Raft.HeartbeatTicks-1)
		wantSent(t, s, "right after", nil)
		pass(follower, 1)
		wantSent(t, s, "later", serials(2, 4))
	}
}

func TestABrokenConnectionToTheLeaderMakesItBeSentAgain(t *testing.T) {
	f, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	propose(t, follower, "1")
	follower.Turn()
	wantSent(t, s, "at first", serials(2, 2))
	receiver{follower}.Unreachable(f.other(leader, follower).ID())
	follower.Turn()
	wantSent(t, s, "when another connection broke", nil)
	receiver{follower}.Unreachable(leader.ID())
	follower.Turn()
	wantSent(t, s, "when the connection broke", serials(2, 2))
}

func TestASessionIsOpenedOnceBeforeTheFirstAppend(t *testing.T) {
	f := newFlock(t, 3)
	f.until("one node leads", func() bool { return f.leader() != nil })
	leader := f.leader()
	follower := f.other(leader)
	s := spyOn(t, follower)
	propose(t, follower, "x")
	pass(follower, 1)
	heartbeat(follower, leader.ID(), 0)
	opening := taken[*wire.Proposals](s)
	if len(opening) != 1 || len(opening[0].Entries) != 1 {
		t.Fatalf("sent are %+v", opening)
	}
	c, err := decodeCommand(opening[0].Entries[0])
	if err != nil || c.kind != commandOpenSession || c.node != follower.ID() || c.nonce != follower.config.Nonce {
		t.Fatalf("sent is %+v, %v", c, err)
	}
	for _, other := range []command{{node: leader.ID(), nonce: c.nonce}, {node: c.node, nonce: c.nonce - 1}} {
		_ = follower.do(func() {
			follower.apply(&raft.Entry{Index: follower.applied + 1, Data: newOpenSession(other.node, other.nonce)})
		})
		follower.Turn()
		wantSent(t, s, "when another session is open", nil)
	}
	_ = follower.do(func() {
		follower.apply(&raft.Entry{Index: follower.applied + 1, Data: opening[0].Entries[0]})
	})
	follower.Turn()
	wantSent(t, s, "when the session is open", serials(1, 1))
}

func TestProposalsThatAreRepeatedOnTheWayAreAppendedOnce(t *testing.T) {
	f, leader, follower := leads(t, 3)
	before := len(values(leader))
	for i := range 20 {
		p := propose(t, follower, number(i))
		follower.Turn()
		_ = follower.do(func() { follower.proposer.sendAgain(follower.now) })
		follower.Turn() // it sends the same again
		f.until("the proposal has ended", func() bool { return len(p.ready) > 0 })
	}
	f.tick()
	for _, n := range f.nodes {
		got := values(n)[before:]
		for i, value := range got {
			if value != number(i) {
				t.Fatalf("on %s value %d is %s", n.ID(), i, value)
			}
		}
		if len(got) != 20 {
			t.Errorf("on %s there are %d values", n.ID(), len(got))
		}
	}
}

func TestARingAgreesWithASlice(t *testing.T) {
	var r ring
	var twin []*Proposal
	for i := range 5000 {
		// It grows for a while and shrinks for a while.
		if i/500%2 == 0 && i%3 > 0 || len(twin) == 0 {
			p := &Proposal{}
			r.push(p)
			twin = append(twin, p)
		} else {
			if r.pop() != twin[0] {
				t.Fatalf("operation %d: another one came out", i)
			}
			twin = twin[1:]
		}
		if r.size != len(twin) {
			t.Fatalf("operation %d: %d are left, want %d", i, r.size, len(twin))
		}
		for j := range twin {
			if r.at(j) != twin[j] {
				t.Fatalf("operation %d: another one is at %d", i, j)
			}
		}
	}
	kept := 0
	for _, p := range r.slots {
		if p != nil {
			kept++
		}
	}
	if kept != r.size {
		t.Errorf("%d proposals are kept that came out", kept-r.size)
	}
}

func TestWhatAFullLeaderRefusedIsAppendedLaterInOrder(t *testing.T) {
	f := newFlock(t, 3)
	for _, n := range f.nodes {
		n.config.Raft.MaxUncommittedBytes = 1000
	}
	f.until("one node leads", func() bool { return f.leader() != nil })
	leader := f.leader()
	hello := propose(t, leader, "hello")
	f.until("a session is open", func() bool { return len(hello.ready) > 0 })
	f.ch.Isolate(leader.ID())
	var all []*Proposal
	for i := range 10 {
		all = append(all, propose(t, leader, number(i)+string(make([]byte, 400))))
		leader.Turn()
	}
	last := leader.core.Last().Index
	pass(leader, 3)
	if leader.core.Last().Index > last || leader.proposer.sent == leader.proposer.next {
		t.Fatal("a full leader took all")
	}
	f.ch.Heal()
	for i, p := range all {
		f.until("the proposal has ended", func() bool { return len(p.ready) > 0 })
		if item, err := wait(t, p); err != nil || string(item.Value[:6]) != number(i) {
			t.Fatalf("proposal %d ended with %.6s, %v", i, item.Value, err)
		}
	}
	if got := values(leader); len(got) != 1+10 {
		t.Errorf("%d values are in the log", len(got))
	}
}
