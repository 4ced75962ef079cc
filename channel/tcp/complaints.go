package tcp

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// complaintEvery is the least time between two lines of one kind about one peer.
	complaintEvery = time.Minute
	// maxComplaints is how many kinds and peers are told apart at a time. Hostile
	// peers may come from anywhere; beyond this number they share their lines.
	maxComplaints = 1024
)

// complaints is a log that does not repeat itself. It is safe for concurrent use.
type complaints struct {
	log *slog.Logger

	mu   sync.Mutex
	made map[complaint]*made
}

// A complaint is a kind of trouble with a peer, which is a node or an address.
type complaint struct{ text, peer string }

type made struct {
	at      time.Time
	omitted int // since then
}

func newComplaints(log *slog.Logger) *complaints {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &complaints{log: log, made: make(map[complaint]*made)}
}

// say logs a complaint unless it was made a short time ago.
func (c *complaints) say(level slog.Level, text, peer string, err error) {
	omitted, silent := c.count(complaint{text, peer})
	if silent {
		return
	}
	attrs := []slog.Attr{slog.String("peer", peer)}
	if err != nil {
		attrs = append(attrs, slog.String("reason", err.Error()))
	}
	if omitted > 0 {
		attrs = append(attrs, slog.Int("omitted", omitted))
	}
	c.log.LogAttrs(context.Background(), level, "tcp: "+text, attrs...)
}

// count reports whether to be silent, and otherwise how often this was omitted.
func (c *complaints) count(what complaint) (omitted int, silent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	last, again := c.made[what]
	if !again && len(c.made) >= maxComplaints {
		c.forgetOld(now)
		if len(c.made) >= maxComplaints {
			what.peer = "others"
			last, again = c.made[what]
		}
	}
	if again && now.Sub(last.at) < complaintEvery {
		last.omitted++
		return 0, true
	}
	if again {
		omitted = last.omitted
	}
	c.made[what] = &made{at: now}
	return omitted, false
}

func (c *complaints) forgetOld(now time.Time) {
	for what, last := range c.made {
		if now.Sub(last.at) >= complaintEvery {
			delete(c.made, what)
		}
	}
}
