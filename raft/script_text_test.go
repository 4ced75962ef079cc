package raft

import (
	"fmt"
	"strconv"
	"strings"
)

// Messages and entries are read in scripts as they are printed: these functions are
// pairs.

func showMessage(m Message) string {
	return fmt.Sprintf("t%d %s", m.Term, showBody(m.Body))
}

func showBody(body Body) string {
	switch b := body.(type) {
	case *RequestVote:
		return "RequestVote" + flagIf(b.PreVote, "pre-vote") + flagIf(b.Transfer, "transfer") + " last " + b.Last.String()
	case *VoteReply:
		return "VoteReply" + flagIf(b.PreVote, "pre-vote") + flagIf(b.Granted, "granted") + flagIf(!b.Granted, "denied")
	case *AppendEntries:
		return fmt.Sprintf("AppendEntries s%d prev %v %s commit %d", b.Session, b.Prev, showRuns([][]Entry{b.Entries}), b.Commit)
	case *AppendReply:
		if b.Rejected {
			return fmt.Sprintf("AppendReply s%d rejected %d hint %v", b.Session, b.Index, b.Hint)
		}
		return fmt.Sprintf("AppendReply s%d matches %d", b.Session, b.Index)
	case *Heartbeat:
		return fmt.Sprintf("Heartbeat s%d commit %d read %d", b.Session, b.Commit, b.ReadSequence)
	case *HeartbeatReply:
		return fmt.Sprintf("HeartbeatReply s%d read %d", b.Session, b.ReadSequence)
	case *InstallSnapshot:
		return fmt.Sprintf("InstallSnapshot s%d %s", b.Session, showMeta(b.Meta))
	case *TimeoutNow:
		return "TimeoutNow"
	}
	return fmt.Sprintf("%T", body)
}

// brief names a message that has been printed in full before.
func brief(body Body) string {
	switch b := body.(type) {
	case *AppendEntries:
		if len(b.Entries) == 0 {
			return fmt.Sprintf("AppendEntries after %v", b.Prev)
		}
		return fmt.Sprintf("AppendEntries %d…%d", b.Prev.Index+1, b.Prev.Index+Index(len(b.Entries)))
	case *AppendReply:
		return showBody(b)
	}
	name, _, _ := strings.Cut(showBody(body), " ")
	return name
}

func flagIf(set bool, name string) string {
	if set {
		return " " + name
	}
	return ""
}

func showMeta(m SnapshotMeta) string {
	return fmt.Sprintf("%v %v of %d", m.Last, m.Configuration, m.ConfigurationIndex)
}

func showEntry(e *Entry) string {
	switch e.Type {
	case EntryNoOp:
		return fmt.Sprintf("%d@%d noop", e.Index, e.Term)
	case EntryConfiguration:
		var conf Configuration
		if err := conf.UnmarshalBinary(e.Data); err != nil {
			return fmt.Sprintf("%d@%d malformed configuration", e.Index, e.Term)
		}
		return fmt.Sprintf("%d@%d %v", e.Index, e.Term, conf)
	default:
		return fmt.Sprintf("%d@%d %q", e.Index, e.Term, e.Data)
	}
}

func showRuns(runs [][]Entry) string {
	var all []string
	for _, run := range runs {
		for i := range run {
			all = append(all, showEntry(&run[i]))
		}
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// reader takes words one after the other; what it cannot read fails the script.
type reader struct {
	words []string
	fail  func(format string, args ...any)
}

func (r *reader) more() bool { return len(r.words) > 0 }

func (r *reader) next() string {
	if !r.more() {
		r.fail("there is a word missing")
	}
	w := r.words[0]
	r.words = r.words[1:]
	return w
}

// skip takes a word if it is the next.
func (r *reader) skip(word string) bool {
	if r.more() && r.words[0] == word {
		r.words = r.words[1:]
		return true
	}
	return false
}

func (r *reader) expect(word string) {
	if !r.skip(word) {
		r.fail("%q is missing before %q", word, r.words)
	}
}

func (r *reader) number() uint64 { return r.parse(r.next()) }

func (r *reader) parse(w string) uint64 {
	n, err := strconv.ParseUint(w, 10, 64)
	if err != nil {
		r.fail("%q is not a number", w)
	}
	return n
}

// prefixed reads a number like t4 or s1.
func (r *reader) prefixed(prefix string) uint64 {
	w, ok := strings.CutPrefix(r.next(), prefix)
	if !ok {
		r.fail("%q is not of the form %s1", w, prefix)
	}
	return r.parse(w)
}

func (r *reader) position() Position {
	i, t, _ := strings.Cut(r.next(), "@")
	return Position{Index(r.parse(i)), Term(r.parse(t))}
}

// link reads a→b.
func (r *reader) link() (from, to NodeID) {
	f, t, ok := strings.Cut(r.next(), "→")
	if !ok {
		r.fail("%q is not of the form a→b", f)
	}
	return NodeID(f), NodeID(t)
}

// list reads the ids of "name(a b)"; nil if another word comes next.
func (r *reader) list(name string) []NodeID {
	if !r.more() || !strings.HasPrefix(r.words[0], name+"(") {
		return nil
	}
	inner := strings.TrimSuffix(strings.TrimPrefix(r.next(), name+"("), ")")
	return nodeIDs(inner)
}

func nodeIDs(list string) []NodeID {
	var ids []NodeID
	for _, w := range strings.Fields(list) {
		ids = append(ids, NodeID(w))
	}
	return ids
}

func (r *reader) configuration() Configuration {
	var conf Configuration
	if r.more() && strings.Contains(r.words[0], ")+(") {
		incoming, outgoing, _ := strings.Cut(strings.TrimPrefix(r.next(), "voters("), ")+(")
		conf.Voters, conf.Outgoing = nodeIDs(incoming), nodeIDs(strings.TrimSuffix(outgoing, ")"))
	} else {
		conf.Voters = r.list("voters")
	}
	conf.Learners = r.list("learners")
	conf.LearnersNext = r.list("learners-next")
	return conf
}

// entries reads [4@2 "x", 5@2 noop].
func (r *reader) entries() []Entry {
	inner := strings.TrimSuffix(strings.TrimPrefix(r.next(), "["), "]")
	var all []Entry
	for _, one := range strings.Split(inner, ", ") {
		if one == "" {
			continue
		}
		er := &reader{words(one), r.fail}
		p := er.position()
		e := Entry{Index: p.Index, Term: p.Term}
		switch {
		case er.skip("noop"):
			e.Type = EntryNoOp
		case strings.HasPrefix(er.words[0], "voters("):
			e.Type = EntryConfiguration
			e.Data, _ = er.configuration().AppendBinary(nil)
		default:
			e.Data = []byte(strings.Trim(er.next(), `"`))
		}
		all = append(all, e)
	}
	return all
}

func (r *reader) meta() SnapshotMeta {
	m := SnapshotMeta{Last: r.position(), Configuration: r.configuration()}
	r.expect("of")
	m.ConfigurationIndex = Index(r.number())
	return m
}

func (r *reader) message(from, to NodeID) Message {
	return Message{From: from, To: to, Term: Term(r.prefixed("t")), Body: r.body()}
}

func (r *reader) body() Body {
	switch name := r.next(); name {
	case "RequestVote":
		b := &RequestVote{PreVote: r.skip("pre-vote"), Transfer: r.skip("transfer")}
		r.expect("last")
		b.Last = r.position()
		return b
	case "VoteReply":
		return &VoteReply{PreVote: r.skip("pre-vote"), Granted: r.next() == "granted"}
	case "AppendEntries":
		b := &AppendEntries{Session: r.prefixed("s")}
		r.expect("prev")
		b.Prev, b.Entries = r.position(), r.entries()
		r.expect("commit")
		b.Commit = Index(r.number())
		return b
	case "AppendReply":
		return r.appendReply()
	case "Heartbeat":
		b := &Heartbeat{Session: r.prefixed("s")}
		r.expect("commit")
		b.Commit = Index(r.number())
		r.expect("read")
		b.ReadSequence = r.number()
		return b
	case "HeartbeatReply":
		b := &HeartbeatReply{Session: r.prefixed("s")}
		r.expect("read")
		b.ReadSequence = r.number()
		return b
	case "InstallSnapshot":
		return &InstallSnapshot{Session: r.prefixed("s"), Meta: r.meta()}
	case "TimeoutNow":
		return &TimeoutNow{}
	default:
		r.fail("%q is no message", name)
		return nil
	}
}

func (r *reader) appendReply() Body {
	b := &AppendReply{Session: r.prefixed("s")}
	if r.skip("rejected") {
		b.Rejected, b.Index = true, Index(r.number())
		r.expect("hint")
		b.Hint = r.position()
		return b
	}
	r.expect("matches")
	b.Index = Index(r.number())
	return b
}
