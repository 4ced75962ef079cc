package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/ben-ng/gaggle"
)

// output writes events, for people or, with --json, as one object a line. It is safe
// for concurrent use.
type output struct {
	mu   sync.Mutex
	w    *bufio.Writer
	json bool
	err  error
}

func newOutput(w io.Writer, asJSON bool) *output {
	return &output{w: bufio.NewWriterSize(w, 64<<10), json: asJSON}
}

// The objects that --json writes.
type (
	committedEvent struct {
		Event string       `json:"event"`
		Node  string       `json:"node"`
		Index gaggle.Index `json:"index"`
		Term  gaggle.Term  `json:"term"`
		Value string       `json:"value"`
	}
	leaderEvent struct {
		Event string      `json:"event"`
		Node  string      `json:"node"`
		Term  gaggle.Term `json:"term"`
	}
	stoppedEvent struct {
		Event string `json:"event"`
		Node  string `json:"node"`
	}
	listeningEvent struct {
		Event   string `json:"event"`
		Node    string `json:"node"`
		Address string `json:"address"`
	}
	statusEvent struct {
		Event   string       `json:"event"`
		Node    string       `json:"node"`
		State   string       `json:"state"`
		Waiting string       `json:"waiting,omitempty"`
		Role    string       `json:"role"`
		Term    gaggle.Term  `json:"term"`
		Leader  string       `json:"leader"`
		Members []string     `json:"members"`
		Commit  gaggle.Index `json:"commit"`
		Applied gaggle.Index `json:"applied"`
		Problem string       `json:"problem,omitempty"`
	}
	uncommittedEvent struct {
		Event string `json:"event"`
		Node  string `json:"node"`
		Lines int    `json:"lines"`
	}
	summaryEvent struct {
		Event     string  `json:"event"`
		Nodes     int     `json:"nodes"`
		Entries   int     `json:"entries"`
		Identical bool    `json:"identical"`
		Elections int     `json:"elections"`
		Seconds   float64 `json:"seconds"`
	}
)

// event writes an object, or the text for people.
func (o *output) event(object any, format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.json {
		_, err := fmt.Fprintf(o.w, format+"\n", args...)
		o.note(err)
		return
	}
	line, err := json.Marshal(object)
	o.note(err)
	_, err = o.w.Write(append(line, '\n'))
	o.note(err)
}

// count is a number of things, for people.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func (o *output) note(err error) {
	if o.err == nil {
		o.err = err
	}
}

// flush lets what was written be seen, and returns the first error of all writes.
func (o *output) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.note(o.w.Flush())
	return o.err
}

func (o *output) committed(node string, index gaggle.Index, term gaggle.Term, value string) {
	o.event(committedEvent{"committed", node, index, term, value}, "%-8s %6d  term %d  %s", node, index, term, value)
}

func (o *output) leader(node string, term gaggle.Term) {
	o.event(leaderEvent{"leader", node, term}, "%-8s leads term %d", node, term)
}

// listening says where others reach a node.
func (o *output) listening(node, address string) {
	o.event(listeningEvent{"listening", node, address}, "%s: listens on %s", node, address)
	_ = o.flush() // an error comes again with the first status
}

// uncommitted says how many lines a node was given that may be lost.
func (o *output) uncommitted(node string, lines int) {
	verb := "were"
	if lines == 1 {
		verb = "was"
	}
	o.event(uncommittedEvent{"uncommitted", node, lines}, "%s %s not known to be committed", count(lines, "line"), verb)
	_ = o.flush() // it is the last word
}

// electing reports whether a member without a leader may have one at any moment, as
// founding, or the time of the last leader, has just ended. All are there then, as a rule.
func electing(s gaggle.Status) bool {
	return s.State == gaggle.Member && s.Leader == "" && s.LeaderSilent < 2*gaggle.LAN().ElectionMax
}

// status describes a node's state.
func (o *output) status(s gaggle.Status) {
	e := statusEvent{
		Event: "status", Node: string(s.ID), State: s.State.String(), Waiting: s.Waiting,
		Term: s.Term, Leader: string(s.Leader),
		Members: []string{}, Commit: s.Commit, Applied: s.Applied,
	}
	for _, m := range s.Members {
		e.Members = append(e.Members, string(m.ID))
	}
	if s.Problem != nil {
		e.Problem = s.Problem.Error()
	}
	text := fmt.Sprintf("%s: %s", s.ID, s.State)
	if s.State == gaggle.Member {
		e.Role = s.Role.String()
		leader := fmt.Sprintf("leader %q", s.Leader)
		switch {
		case electing(s):
			leader = "electing a leader"
		case s.Leader == "":
			leader = fmt.Sprintf("no leader, so nothing is committed until %d of the %d meet", len(s.Members)/2+1, len(s.Members))
		}
		text += fmt.Sprintf(", %s in term %d, %s, commit %d, members %v", s.Role, s.Term, leader, s.Commit, e.Members)
	}
	if s.Waiting != "" {
		text += ", " + s.Waiting
	}
	if e.Problem != "" {
		text += "; " + e.Problem
	}
	o.event(e, "%s", text)
}
