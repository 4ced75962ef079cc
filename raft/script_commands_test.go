package raft

import "strings"

// command carries out one line of a script.
func (s *scripted) command(line []string) {
	r := &reader{line, s.fail}
	name := r.next()
	if name == "quiet" {
		s.muted = true
		defer func() { s.muted = false }()
		name = r.next()
	}
	do, known := scriptCommands[name]
	if !known {
		s.fail("%q is no command", name)
	}
	do(s, r)
	if r.more() {
		s.fail("%q is one too many", r.words)
	}
}

var scriptCommands = map[string]func(*scripted, *reader){
	"cluster":     (*scripted).doCluster,
	"spare":       (*scripted).doSpare,
	"limits":      (*scripted).doLimits,
	"node":        (*scripted).doNode,
	"tick":        (*scripted).doTick,
	"timeout":     (*scripted).doTimeout,
	"lapse":       (*scripted).doLapse,
	"elect":       (*scripted).doElect,
	"pass":        (*scripted).doPass,
	"deliver":     (*scripted).doDeliver,
	"drop":        (*scripted).doDrop,
	"repeat":      (*scripted).doRepeat,
	"cut":         (*scripted).doCut,
	"heal":        (*scripted).doHeal,
	"receive":     (*scripted).doReceive,
	"propose":     (*scripted).doPropose,
	"read":        (*scripted).doRead,
	"change":      (*scripted).doChange,
	"transfer":    (*scripted).doTransfer,
	"retire":      (*scripted).doRetire,
	"compact":     (*scripted).doCompact,
	"snapshot":    (*scripted).doSnapshot,
	"unreachable": (*scripted).doUnreachable,
	"disk":        (*scripted).doDisk,
	"persist":     (*scripted).doPersist,
	"updates":     (*scripted).doUpdates,
	"crash":       (*scripted).doCrash,
	"restart":     (*scripted).doRestart,
	"unload":      (*scripted).doUnload,
	"load":        (*scripted).doLoad,
	"repaired":    (*scripted).doRepaired,
	"fetched":     (*scripted).doFetched,
	"state":       (*scripted).doState,
	"log":         (*scripted).doLog,
	"peers":       (*scripted).doPeers,
}

// each calls do for every node that is named, or, if the word is all, for every one
// that is up.
func (s *scripted) each(r *reader, do func(*scriptedNode)) {
	if !r.more() || r.skip("all") {
		for _, n := range s.nodes {
			if n.core != nil {
				do(n)
			}
		}
		return
	}
	for r.more() {
		do(s.running(NodeID(r.next())))
	}
}

// doCluster: cluster a b c [learners d]. The nodes have the configuration in their logs.
func (s *scripted) doCluster(r *reader) {
	var voters, learners []NodeID
	for r.more() && !r.skip("learners") {
		voters = append(voters, NodeID(r.next()))
	}
	for r.more() {
		learners = append(learners, NodeID(r.next()))
	}
	s.founded = NewConfiguration(voters, learners)
	for _, id := range s.founded.Members() {
		s.add(id, Saved{HardState: HardState{Term: 1}, Entries: []Entry{s.founding()}})
	}
}

func (s *scripted) founding() Entry {
	data, _ := s.founded.AppendBinary(nil)
	return Entry{Index: 1, Term: 1, Type: EntryConfiguration, Data: data}
}

// doSpare: spare d e. The nodes know nothing.
func (s *scripted) doSpare(r *reader) {
	for r.more() {
		s.add(NodeID(r.next()), Saved{})
	}
}

// doLimits: limits inflight-messages 2. It is for nodes that start later.
func (s *scripted) doLimits(r *reader) {
	limits := map[string]*int{
		"message-bytes":     &s.limits.MaxMessageBytes,
		"inflight-messages": &s.limits.MaxInflightMessages,
		"inflight-bytes":    &s.limits.MaxInflightBytes,
		"uncommitted-bytes": &s.limits.MaxUncommittedBytes,
		"reads":             &s.limits.MaxReads,
	}
	for r.more() {
		name := r.next()
		limit, known := limits[name]
		if !known {
			s.fail("%q is no limit", name)
		}
		*limit = int(r.number())
	}
}

// doNode: node a term 4 [vote b] [snapshot 3] log 1 1 2 4. The node starts again with
// this on its disk: the numbers are the entries' terms. Entry 1 is the founding
// configuration; the others hold their position as data, so that entries of the same
// index and term are the same.
func (s *scripted) doNode(r *reader) {
	n := s.node(NodeID(r.next()))
	r.expect("term")
	n.disk = Saved{HardState: HardState{Term: Term(r.number())}}
	if r.skip("vote") {
		n.disk.HardState.VotedFor = NodeID(r.next())
	}
	compact := Index(0)
	if r.skip("snapshot") {
		compact = Index(r.number())
	}
	r.expect("log")
	for i := Index(1); r.more(); i++ {
		e := Entry{Index: i, Term: Term(r.number())}
		e.Data = []byte(Position{e.Index, e.Term}.String())
		if i == 1 {
			e = s.founding()
		}
		n.disk.Entries = append(n.disk.Entries, e)
	}
	if compact > 0 {
		at := n.disk.Entries[compact-1]
		forget(&n.disk, SnapshotMeta{Last: Position{at.Index, at.Term}, Configuration: s.founded, ConfigurationIndex: 1}, compact)
	}
	s.start(n)
}

// doTick: tick a b 3.
func (s *scripted) doTick(r *reader) {
	times := 1
	if last := len(r.words) - 1; last >= 0 && strings.Trim(r.words[last], "0123456789") == "" {
		times = int(r.parse(r.words[last]))
		r.words = r.words[:last]
	}
	s.each(r, func(n *scriptedNode) {
		for range times {
			_ = s.step(n, Tick{})
		}
	})
}

// doTimeout: timeout a. Its time passes until it stands for election.
func (s *scripted) doTimeout(r *reader) {
	s.each(r, func(n *scriptedNode) {
		for due := n.core.electionDue; n.core.now < due; {
			_ = s.step(n, Tick{})
		}
	})
}

// doLapse: lapse a b. Time passes until they protect no leader any more.
func (s *scripted) doLapse(r *reader) {
	s.each(r, func(n *scriptedNode) {
		for n.core.role == Follower && n.core.hearsLeader() {
			_ = s.step(n, Tick{})
		}
	})
}

// doElect: elect a. It becomes leader as usual, and everybody hears of it; only the
// outcome is printed.
func (s *scripted) doElect(r *reader) {
	n := s.running(NodeID(r.next()))
	muted := s.muted
	s.muted = true
	for _, m := range s.nodes {
		if m.core != nil && m != n {
			s.doLapse(&reader{[]string{string(m.id)}, s.fail})
		}
	}
	s.doTimeout(&reader{[]string{string(n.id)}, s.fail})
	s.deliverAll()
	s.muted = muted
	s.say(string(n.id), "%s", showState(n))
}

// doPass: pass a 100 [busy]. So many of its ticks pass, with all messages delivered at
// once; when it is busy, every third brings a proposal. Only news is printed.
func (s *scripted) doPass(r *reader) {
	n := s.running(NodeID(r.next()))
	ticks := int(r.number())
	busy := r.skip("busy")
	s.muted, s.news = true, !s.muted
	for i := range ticks {
		s.passed = i + 1
		_ = s.step(n, Tick{})
		if busy && i%3 == 0 {
			_ = s.step(n, Propose{[]Entry{{Data: []byte("busy")}}})
		}
		s.deliverAll()
	}
	s.muted, s.news = false, false
}

// doReceive: receive a→b t2 Heartbeat s1 commit 1 read 0. The message comes from nowhere.
func (s *scripted) doReceive(r *reader) {
	from, to := r.link()
	m := r.message(from, to)
	_ = s.step(s.running(to), Receive{&m})
}

// doPropose: propose a x y. The entries are in one proposal.
func (s *scripted) doPropose(r *reader) {
	n := s.running(NodeID(r.next()))
	var entries []Entry
	for r.more() {
		entries = append(entries, Entry{Data: []byte(r.next())})
	}
	_ = s.step(n, Propose{entries})
}

// doRead: read a 7.
func (s *scripted) doRead(r *reader) {
	n := s.running(NodeID(r.next()))
	_ = s.step(n, Read{r.number()})
}

// doChange: change a voters(a b) learners(c).
func (s *scripted) doChange(r *reader) {
	n := s.running(NodeID(r.next()))
	_ = s.step(n, ChangeConfiguration{Voters: r.list("voters"), Learners: r.list("learners")})
}

// doTransfer: transfer a→b, or, to whom it likes, transfer a→.
func (s *scripted) doTransfer(r *reader) {
	from, to := r.link()
	_ = s.step(s.running(from), TransferLeadership{to})
}

// doRetire: retire a 5. It is told that the configuration at 5 leaves it out.
func (s *scripted) doRetire(r *reader) {
	n := s.running(NodeID(r.next()))
	_ = s.step(n, Retire{Index(r.number())})
}

// doCompact: compact a 5 [keep 3]. A snapshot is taken at 5; entries from 3 on stay.
func (s *scripted) doCompact(r *reader) {
	n := s.running(NodeID(r.next()))
	at := Index(r.number())
	to := at
	if r.skip("keep") {
		to = Index(r.number()) - 1
	}
	meta, err := n.core.SnapshotAt(at)
	if err == nil {
		n.snap = meta
		s.say(string(n.id), "snapshot %s", showMeta(meta))
	}
	if s.step(n, SnapshotTaken{at, to}) == nil {
		forget(&n.disk, meta, to)
	}
}

// doSnapshot: snapshot a→c sends the latest one, as a has asked. With fails it does not
// leave; with lost it leaves, but does not arrive.
func (s *scripted) doSnapshot(r *reader) {
	from, to := r.link()
	n := s.running(from)
	w, wanted := n.wanted[to]
	if !wanted {
		s.fail("%s has not asked for a snapshot to be sent to %s", from, to)
	}
	delete(n.wanted, to)
	fails := r.skip("fails")
	if !fails && !r.skip("lost") {
		m := Message{From: from, To: to, Term: w.Term, Body: &InstallSnapshot{w.Session, n.snap}}
		s.say(showLink(m), "%s", showMessage(m))
		s.network = append(s.network, m)
	}
	_ = s.step(n, SnapshotSent{Node: to, Failed: fails})
}

// doUnreachable: unreachable a→b. What a sends to b is known to be lost.
func (s *scripted) doUnreachable(r *reader) {
	from, to := r.link()
	_ = s.step(s.running(from), Unreachable{to})
}

// doUpdates: updates wait a lets events gather; updates now a takes what follows.
func (s *scripted) doUpdates(r *reader) {
	wait := r.next() == "wait"
	s.each(r, func(n *scriptedNode) {
		n.lazy = wait
		if !wait {
			s.update(n)
		}
	})
}
