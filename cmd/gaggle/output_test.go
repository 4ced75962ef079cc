package main

import (
	"strings"
	"testing"
	"time"

	"github.com/ben-ng/gaggle"
)

func TestAMemberWithoutALeaderSaysWhetherThatIsATrouble(t *testing.T) {
	s := gaggle.Status{ID: "a#1", State: gaggle.Member, Members: []gaggle.MemberStatus{{ID: "a#1"}, {ID: "b#2"}, {ID: "c#3"}}}
	second := 2 * gaggle.LAN().ElectionMax
	for silent, want := range map[time.Duration]string{
		0:          "electing a leader",
		second - 1: "electing a leader",
		second:     "no leader, so nothing is committed until 2 of the 3 meet",
	} {
		s.LeaderSilent = silent
		var b strings.Builder
		o := newOutput(&b, false)
		o.status(s)
		_ = o.flush()
		if !strings.Contains(b.String(), want) || electing(s) != (silent < second) {
			t.Errorf("after %v it says %q, want %q", silent, b.String(), want)
		}
	}
	s.LeaderSilent = 0
	before := standingOf(s)
	if s.LeaderSilent = second; standingOf(s) == before {
		t.Error("that it becomes a trouble is no news")
	}
}

func TestASecondIsRoundedToWhatIsWorthReading(t *testing.T) {
	for d, want := range map[time.Duration]float64{1234567 * time.Microsecond: 1.23, 4 * time.Millisecond: 0, 1995 * time.Millisecond: 2} {
		if got := rounded(d); got != want {
			t.Errorf("%v is %v, want %v", d, got, want)
		}
	}
}
