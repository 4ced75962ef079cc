package tcp

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAComplaintIsMadeOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var book logBook
		c := newComplaints(book.logger())
		for range 10 { // in 90 seconds
			c.say(slog.LevelWarn, "trouble", "peer-a", errors.New("no reason"))
			<-time.After(9 * time.Second)
		}
		lines := strings.Split(strings.TrimSpace(book.read()), "\n")
		if len(lines) != 2 {
			t.Fatalf("%d lines, want 2:\n%s", len(lines), book.read())
		}
		want := []string{"WARN", "tcp: trouble", "peer=peer-a", "no reason"}
		if !containsAll(lines[0], want) || strings.Contains(lines[0], "omitted") {
			t.Errorf("first line: %s", lines[0])
		}
		if !containsAll(lines[1], append(want, "omitted=6")) {
			t.Errorf("second line: %s", lines[1])
		}
	})
}

func TestComplaintsOfOtherKindsAndPeersAreMade(t *testing.T) {
	var book logBook
	c := newComplaints(book.logger())
	for range 3 {
		c.say(slog.LevelWarn, "trouble", "peer-a", nil)
		c.say(slog.LevelWarn, "trouble", "peer-b", nil)
		c.say(slog.LevelWarn, "more trouble", "peer-a", nil)
	}
	if n := strings.Count(book.read(), "\n"); n != 3 {
		t.Errorf("%d lines, want 3:\n%s", n, book.read())
	}
}

func TestComplaintsAboutManyPeersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var book logBook
		c := newComplaints(book.logger())
		for round := range 2 {
			for i := range 3 * maxComplaints {
				c.say(slog.LevelWarn, "trouble", fmt.Sprint(round, "-", i), nil)
			}
			if n := len(c.made); n > maxComplaints+1 {
				t.Fatalf("%d complaints are remembered", n)
			}
			<-time.After(complaintEvery)
		}
		const lines = 2 * (maxComplaints + 1) // the others share one
		if n := strings.Count(book.read(), "\n"); n < lines-2 || n > lines {
			t.Errorf("%d lines, want %d", n, lines)
		}
	})
}
