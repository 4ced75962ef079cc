package engine

import (
	"errors"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// woken reports, and takes back, whether the loop would be woken.
func woken(b *inbox) bool {
	select {
	case <-b.wake:
		return true
	default:
		return false
	}
}

func nothing(*input) error { return nil }

func TestMuchThatComesInWakesTheLoopOnce(t *testing.T) {
	b := newInbox()
	if woken(b) {
		t.Error("an empty inbox wakes")
	}
	for range 100 {
		_ = b.put(nothing)
	}
	if !woken(b) || woken(b) {
		t.Error("100 puts do not wake exactly once")
	}
	_ = b.put(nothing)
	if woken(b) {
		t.Error("what came before the input was taken wakes again")
	}
	b.take(input{})
	_ = b.put(nothing)
	if !woken(b) {
		t.Error("what came after the input was taken does not wake")
	}
}

func TestEverythingThatComesInWakesTheLoop(t *testing.T) {
	for name, put := range map[string]func(*inbox){
		"a frame":    func(b *inbox) { b.putFrame(new(decoding), 1) },
		"a proposal": func(b *inbox) { _ = b.putProposal(&Proposal{}) },
		"a request":  func(b *inbox) { _ = b.putRequest(1, func(*input) {}) },
		"a rousing":  func(b *inbox) { b.rouseAlways() },
		"a rousing, although it is awake already": func(b *inbox) {
			_ = b.put(nothing)
			woken(b)
			b.rouseAlways()
		},
	} {
		b := newInbox()
		if put(b); !woken(b) {
			t.Errorf("%s does not wake", name)
		}
	}
	b := newInbox()
	if _ = b.put(func(*input) error { return ErrBusy }); woken(b) {
		t.Error("what was refused wakes")
	}
}

func TestFramesThatDoNotFitAreDroppedAndCounted(t *testing.T) {
	b := newInbox()
	if !b.putFrame(new(decoding), maxInboxFrameBytes-2*frameOverhead-10) || !b.putFrame(new(decoding), 10) {
		t.Fatal("frames that fit were dropped")
	}
	for _, bytes := range []int{0, maxInboxFrameBytes} {
		if b.putFrame(new(decoding), bytes) {
			t.Error("a frame beyond the limit was taken")
		}
	}
	if in := b.take(input{}); len(in.frames) != 2 || b.dropped != 2 {
		t.Errorf("%d frames were taken and %d counted as dropped", len(in.frames), b.dropped)
	}
	if !b.putFrame(new(decoding), maxInboxFrameBytes-frameOverhead) {
		t.Error("when the input was taken there was no room")
	}
}

func TestOpenRequestsHaveALimit(t *testing.T) {
	b := newInbox()
	add := func(*input) {}
	b.requests.count = maxOpenRequests - 1
	if err := b.putRequest(0, add); err != nil {
		t.Errorf("the last that fits: %v", err)
	}
	if err := b.putRequest(0, add); !errors.Is(err, ErrBusy) {
		t.Errorf("one more than fits: %v", err)
	}
	b.settled(load{}, load{count: 1})
	if err := b.putRequest(maxOpenRequestBytes, add); err != nil {
		t.Errorf("as many bytes as fit: %v", err)
	}
	b.settled(load{}, load{count: 1})
	if err := b.putRequest(1, add); !errors.Is(err, ErrBusy) {
		t.Errorf("one byte more than fits: %v", err)
	}
	b.settled(load{}, load{count: 1, bytes: maxOpenRequestBytes})
	if err := b.putRequest(1, add); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}

func TestWhoWaitsForRoomIsToldWhenProposalsHaveEnded(t *testing.T) {
	b := newInbox()
	isClosed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	if !isClosed(b.whenRoom(maxOpenProposalBytes)) {
		t.Error("an empty inbox has no room")
	}
	for range 3 {
		_ = b.putProposal(&Proposal{command: make([]byte, 10)})
	}
	if !isClosed(b.whenRoom(10)) {
		t.Error("who asks when there is room again has to wait for it")
	}
	one, other := b.whenRoom(maxOpenProposalBytes), b.whenRoom(maxOpenProposalBytes)
	b.settled(load{}, load{})
	if isClosed(one) {
		t.Error("who waits was told although no proposal has ended")
	}
	b.settled(load{1, 10}, load{})
	if !isClosed(one) || !isClosed(other) {
		t.Error("who waits was not told")
	}
	if b.proposals != (load{2, 20}) {
		t.Errorf("counted as open are %+v", b.proposals)
	}
	last := b.whenRoom(maxOpenProposalBytes)
	if isClosed(last) {
		t.Error("who waits again was told at once")
	}
	b.close(ErrClosed)
	if !isClosed(last) || !isClosed(b.whenRoom(maxOpenProposalBytes)) {
		t.Error("who waits at a closed inbox goes on waiting")
	}
}

func TestAClosedInboxRefusesEverythingAndReturnsWhatWasNotTaken(t *testing.T) {
	b := newInbox()
	p := &Proposal{}
	_ = b.putProposal(p)
	in := b.close(ErrInvariant)
	if len(in.proposals) != 1 || in.proposals[0] != p {
		t.Error("what was not taken is lost")
	}
	if again := b.close(ErrClosed); len(again.proposals) > 0 {
		t.Error("it was returned twice")
	}
	for name, err := range map[string]error{
		"a task":     b.put(nothing),
		"a proposal": b.putProposal(&Proposal{}),
		"a request":  b.putRequest(0, func(*input) {}),
	} {
		if !errors.Is(err, ErrInvariant) {
			t.Errorf("%s gets %v, not the first reason", name, err)
		}
	}
	if b.putFrame(new(decoding), 1) {
		t.Error("a frame was taken")
	}
}

func TestAnInputThatWasResetKeepsItsRoomAndNothingElse(t *testing.T) {
	in := input{
		ticks: 2, persisted: 3,
		frames: []*decoding{{}}, unreachable: []raft.NodeID{"a"}, proposals: []*Proposal{{}},
		reads: []*readWaiter{{}}, calls: []*call{{}}, tasks: []func(){func() {}},
	}
	in.reset()
	if in.ticks != 0 || in.persisted != 0 ||
		len(in.frames)+len(in.unreachable)+len(in.proposals)+len(in.reads)+len(in.calls)+len(in.tasks) > 0 {
		t.Errorf("it still has %+v", in)
	}
	if in.frames[:1][0] != nil || in.proposals[:1][0] != nil || in.reads[:1][0] != nil || in.calls[:1][0] != nil || in.tasks[:1][0] != nil {
		t.Error("what it had is kept from the garbage collector")
	}
}
