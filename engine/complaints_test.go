package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A line is what a test looks at of a line of a node's log.
type line struct {
	Level, Msg, Sender, Error string
	Omitted                   int
}

// logOf lets a test read what a node logs from now on.
func logOf(n *Node) *bytes.Buffer {
	b := &bytes.Buffer{}
	n.log = slog.New(slog.NewJSONHandler(b, nil))
	return b
}

// lines takes the lines that were logged since the last call.
func lines(t testing.TB, b *bytes.Buffer) []line {
	t.Helper()
	var all []line
	for d := json.NewDecoder(b); d.More(); {
		var l line
		if err := d.Decode(&l); err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	b.Reset()
	return all
}

// nonsense is a message that no correct node sends.
func nonsense(from, to raft.NodeID) *raft.Message {
	return &raft.Message{From: from, To: to, Body: &raft.Heartbeat{}}
}

func TestRefusedMessagesAreLoggedOnceAMinuteForEachSender(t *testing.T) {
	_, n, _ := leads(t, 1)
	log := logOf(n)
	say := func(from raft.NodeID, times int) {
		for range times {
			hear(n, from, nonsense(from, n.ID()))
		}
	}
	say("x", 1000)
	say("y", 10)
	got := lines(t, log)
	if len(got) != 2 || got[0].Sender != "x" || got[1].Sender != "y" || got[0].Omitted != 0 || got[0].Level != "WARN" || got[0].Error == "" {
		t.Fatalf("the first lines are %+v", got)
	}
	minute := int(complaintEvery / testTick)
	pass(n, minute-1)
	say("x", 1)
	if got := lines(t, log); len(got) != 0 {
		t.Errorf("before the minute was over there came %+v", got)
	}
	pass(n, 1)
	say("x", 2)
	if got := lines(t, log); len(got) != 1 || got[0].Sender != "x" || got[0].Omitted != 1000 {
		t.Errorf("after a minute there came %+v", got)
	}
	if refused := n.Status().Refused; refused != 1013 {
		t.Errorf("%d are counted", refused)
	}
}

func TestSendersWithoutNumberShareTheirLines(t *testing.T) {
	_, n, _ := leads(t, 1)
	log := logOf(n)
	for round := range 2 {
		for i := range 10 * maxComplaints {
			from := raft.NodeID(fmt.Sprint("x", round, "-", i))
			hear(n, from, nonsense(from, n.ID()))
		}
		got := lines(t, log)
		if len(got) < maxComplaints || len(got) > maxComplaints+1 || len(n.complaints.made) > maxComplaints+1 {
			t.Errorf("%d senders have %d lines, and %d are remembered", 10*maxComplaints, len(got), len(n.complaints.made))
		}
		pass(n, int(complaintEvery/testTick)) // and those are forgotten
	}
}

func TestANodeThatChangesItsSizeAllTheTimeHasOneLineAMinute(t *testing.T) {
	_, n, _ := leads(t, 1)
	log := logOf(n)
	for i := range 100 {
		n.greeted(&wire.Frame{From: "x"}, &wire.Hello{Size: uint32(2 + i%2)})
	}
	if got := lines(t, log); len(got) != 1 || got[0].Sender != "x" || got[0].Level != "ERROR" {
		t.Errorf("there are %d lines: %+v", len(got), got)
	}
}
