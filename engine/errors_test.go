package engine

import (
	"context"
	"errors"
	"testing"
)

func TestAnErrorSaysWhatWhereWhenAndWhatNext(t *testing.T) {
	for want, e := range map[string]*Error{
		"gaggle: append: the node is closed (node a#1)":                            {Op: "append", Node: "a#1", Err: ErrClosed},
		"gaggle: read: too much in flight (node a#1, term 7); wait for some of it": {Op: "read", Node: "a#1", Term: 7, Err: ErrBusy, Hint: "wait for some of it"},
	} {
		if e.Error() != want {
			t.Errorf("%q, want %q", e.Error(), want)
		}
	}
}

func TestAnErrorOfTwoReasonsIsOneLine(t *testing.T) {
	e := &Error{Op: "append", Node: "a", Err: errors.Join(ErrUncertain, context.Canceled)}
	if want := "gaggle: append: the outcome is not known: context canceled (node a)"; e.Error() != want {
		t.Errorf("%q, want %q", e, want)
	}
}

func TestWhatANodeEndsThatClosesIsNamed(t *testing.T) {
	f := newFlock(t, 3) // founding, so that everything waits
	n := f.nodes[0]
	p, call := propose(t, n, "x"), calls(n, "echo", "")
	read := reads(t, n, 1)[0]
	n.Turn()
	_ = n.Close()
	<-call.done
	_, appended := wait(t, p)
	_, entries := n.Feed().Next(context.Background(), 1, 9)
	for op, err := range map[string]error{"append": appended, "read": <-read.done, "call": call.err, "entries": entries} {
		var e *Error
		if !errors.As(err, &e) || e.Op != op || !errors.Is(err, ErrClosed) {
			t.Errorf("the error of %q is %v", op, err)
		}
	}
}

func TestAnErrorIsItsReasons(t *testing.T) {
	var err error = &Error{Op: "append", Node: "a", Err: errors.Join(ErrUncertain, context.Canceled)}
	if !errors.Is(err, ErrUncertain) || !errors.Is(err, context.Canceled) || errors.Is(err, ErrClosed) {
		t.Errorf("%v is not exactly its reasons", err)
	}
}

func TestARemoteErrorNamesTheCall(t *testing.T) {
	if got := (&RemoteError{Call: "reserve", Text: "sold out"}).Error(); got != "reserve: sold out" {
		t.Errorf("%q", got)
	}
}

func TestWhyANodeIsClosedIsSaidOnceForWhatWasAttempted(t *testing.T) {
	f := newFlock(t, 1)
	n := f.nodes[0]
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := n.Propose(nil)
	if want := "gaggle: append: the node is closed (node a); a node that was closed stays so; join anew"; err == nil || err.Error() != want {
		t.Errorf("the error is %q, want %q", err, want)
	}
}
