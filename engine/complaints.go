package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/ben-ng/gaggle/raft"
)

const (
	// complaintEvery is the least time between two lines of one kind about one sender.
	complaintEvery = time.Minute
	// maxComplaints is how many kinds and senders are told apart at a time. Who sends
	// nonsense may do so under any name; beyond this number they share their lines.
	maxComplaints = 256
)

// complaints keeps others from filling this node's log: it says which lines are due.
// Only turns touch it, and its time is theirs.
type complaints struct {
	every uint64 // in ticks
	made  map[complaint]*complained
}

// A complaint is a kind of trouble with a node.
type complaint struct {
	text   string
	sender raft.NodeID
}

type complained struct {
	at      uint64 // in ticks
	omitted int    // since then
}

func newComplaints(tick time.Duration) complaints {
	return complaints{every: uint64(complaintEvery / tick), made: map[complaint]*complained{}}
}

// complain logs a complaint unless it was made a short time ago.
func (n *Node) complain(level slog.Level, text string, sender raft.NodeID, err error) {
	omitted, due := n.complaints.due(complaint{text, sender}, n.now)
	if !due {
		return
	}
	attrs := []slog.Attr{slog.Any("error", err)}
	if sender != raft.None {
		attrs = append(attrs, slog.String("sender", string(sender)))
	}
	if omitted > 0 {
		attrs = append(attrs, slog.Int("omitted", omitted))
	}
	n.log.LogAttrs(context.Background(), level, text, attrs...)
}

// due reports whether a complaint is to be made, and how often it was not since it was.
func (c *complaints) due(what complaint, now uint64) (omitted int, due bool) {
	if c.made[what] == nil && len(c.made) >= maxComplaints {
		c.forgetOld(now)
		if len(c.made) >= maxComplaints {
			what.sender = "others"
		}
	}
	last := c.made[what]
	if last != nil && now-last.at < c.every {
		last.omitted++
		return 0, false
	}
	if last != nil {
		omitted = last.omitted
	}
	c.made[what] = &complained{at: now}
	return omitted, true
}

func (c *complaints) forgetOld(now uint64) {
	for what, last := range c.made {
		if now-last.at >= c.every {
			delete(c.made, what)
		}
	}
}
