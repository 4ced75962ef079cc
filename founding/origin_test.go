package founding

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A party is processes that say hello to each other, some of which go by one id. The
// promises of those cannot be kept, so that no judge looks at them.
type party struct {
	t         *testing.T
	processes []*process
	// deaf tells who does not hear whom; nil if everybody hears all others.
	deaf func(from, to *process) bool
}

type process struct {
	*Founder
	down     bool
	said     *wire.Hello
	copied   *CopiedError
	problems []*CopiedError
}

func (p *party) start(id raft.NodeID, starts, nonce uint64) *process {
	p.t.Helper()
	config := testConfig(id, 3)
	config.Starts, config.Nonce = starts, nonce
	f, err := New(config)
	if err != nil {
		p.t.Fatal(err)
	}
	started := &process{Founder: f}
	p.processes = append(p.processes, started)
	return started
}

// run lets time pass. A process that learns that it is a copy stops.
func (p *party) run(ticks int) {
	p.t.Helper()
	for range ticks {
		for _, from := range p.processes {
			if !from.down {
				from.Step(Tick{})
				p.follow(from)
			}
		}
	}
}

func (p *party) follow(from *process) {
	p.t.Helper()
	u := from.Update()
	for _, problem := range u.Problems {
		copied, ok := problem.(*CopiedError) //nolint:errorlint // it is returned itself
		if !ok {
			p.t.Fatalf("%s reports %v", from.config.ID, problem)
		}
		from.problems = append(from.problems, copied)
	}
	if u.Copied != nil {
		from.copied, from.down = u.Copied, true
	}
	if u.Broadcast == nil {
		return
	}
	from.said = u.Broadcast
	for _, to := range p.processes {
		if to != from && !to.down && (p.deaf == nil || !p.deaf(from, to)) {
			to.Step(Heard{From: from.config.ID, Cluster: u.Cluster, Hello: u.Broadcast})
		}
	}
}

func apart(a, b *process) func(from, to *process) bool {
	return func(from, to *process) bool { return from == a && to == b || from == b && to == a }
}

func (p *party) wantStopped(stopped ...*process) {
	p.t.Helper()
	want := map[*process]bool{}
	for _, s := range stopped {
		want[s] = true
	}
	for i, s := range p.processes {
		if (s.copied != nil) != want[s] {
			p.t.Errorf("process %d, %s in start %d, is to stop: %v, want %v", i, s.config.ID, s.config.Starts, s.copied, want[s])
		}
	}
}

func (p *party) wantReport(by *process, want ...CopiedError) {
	p.t.Helper()
	var got []CopiedError
	for _, problem := range by.problems {
		got = append(got, *problem)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		p.t.Errorf("%s reports %v, want %v", by.config.ID, got, want)
	}
}

func TestTwoProcessesOfOneStartBothStop(t *testing.T) {
	p := party{t: t}
	p.start("b", 1, 1)
	one, two := p.start("a", 5, 1), p.start("a", 5, 2)
	p.run(10)
	p.wantStopped(one, two)
	p.wantReport(p.processes[0], CopiedError{Node: "a", Starts: 5, Other: 5})
	if *one.copied != (CopiedError{Node: "a", Starts: 5, Other: 5}) {
		t.Errorf("it stops for %+v", one.copied)
	}
}

func TestTwoProcessesOfOneStartThatDoNotHearEachOtherBothLearnFromAnother(t *testing.T) {
	p := party{t: t}
	b := p.start("b", 0, 0)
	one, two := p.start("a", 5, 1), p.start("a", 5, 2)
	p.deaf = apart(one, two)
	p.run(10)
	p.wantStopped(one, two)
	p.wantReport(b, CopiedError{Node: "a", Starts: 5, Other: 5})
}

func TestTheProcessThatWasStartedLessOftenStopsAndTheOtherGoesOn(t *testing.T) {
	for _, apartFrom := range []bool{false, true} {
		p := party{t: t}
		b := p.start("b", 1, 1)
		old, young := p.start("a", 4, 9), p.start("a", 5, 1)
		if apartFrom {
			p.deaf = apart(old, young)
		}
		p.run(30)
		p.wantStopped(old)
		if *old.copied != (CopiedError{Node: "a", Starts: 5, Other: 4}) {
			t.Errorf("it stops for %+v", old.copied)
		}
		// It stopped before anybody could be certain that its hellos were not late.
		p.wantReport(b)
		p.wantReport(young)
	}
}

func TestACopyThatDoesNotStopIsReportedByAllOnceItCannotBeAnEcho(t *testing.T) {
	p := party{t: t}
	b, young, old := p.start("b", 1, 1), p.start("a", 5, 1), p.start("a", 4, 1)
	p.deaf = func(_, to *process) bool { return to == old }
	p.run(testConfig("a", 3).SilentTicks)
	p.wantReport(b)
	p.wantReport(young)
	p.run(100)
	p.wantStopped()
	for _, by := range []*process{b, young} {
		p.wantReport(by, CopiedError{Node: "a", Starts: 5, Other: 4})
	}
}

func TestACopyThatComesBackIsReportedAgain(t *testing.T) {
	p := party{t: t}
	b := p.start("b", 1, 1)
	p.start("a", 5, 1)
	p.run(2)
	old := &process{Founder: p.start("a", 5, 2).Founder}
	for range 3 {
		b.Step(old.word())
		p.follow(b)
	}
	p.processes = p.processes[:2]
	p.run(testConfig("a", 3).SilentTicks)
	b.Step(old.word())
	p.follow(b)
	again := CopiedError{Node: "a", Starts: 5, Other: 5}
	p.wantReport(b, again, again)
}

func TestAnEchoOfTheTimeBeforeARestartStopsNobody(t *testing.T) {
	p := party{t: t}
	b, before := p.start("b", 1, 1), p.start("a", 4, 1)
	p.run(3)
	echo := before.word()
	before.down = true
	after := p.start("a", 5, 2)
	p.run(3)
	for range 20 {
		b.Step(echo)
		after.Step(echo)
		p.run(1)
	}
	p.run(100)
	p.wantStopped()
	p.wantReport(b)
	p.wantReport(after)
	if len(b.said.Contested) > 0 {
		t.Errorf("long after, %v are contested", b.said.Contested)
	}
}

func TestANodesOwnHelloIsNoCopys(t *testing.T) {
	p := party{t: t}
	a := p.start("a", 5, 1)
	for range 100 {
		a.Step(a.word())
		p.run(1)
	}
	p.wantStopped()
	p.wantReport(a)
}

func TestNodesWithoutADirectoryAreNeverInConflict(t *testing.T) {
	p := party{t: t}
	b := p.start("b", 0, 0)
	p.start("a", 0, 1)
	p.start("a", 0, 2)
	p.start("a", 3, 1)
	p.start("a", 0, 3)
	p.run(200)
	p.wantStopped()
	p.wantReport(b)
}

func TestBothClaimsOfOneStartAreContestedAndOnlyTheHigherOfTwo(t *testing.T) {
	for name, c := range map[string]struct {
		second origin
		want   []wire.Claim
	}{
		"the same":   {origin{5, 1}, nil},
		"equal":      {origin{5, 2}, []wire.Claim{{ID: "a", Starts: 5, Nonce: 1}, {ID: "a", Starts: 5, Nonce: 2}}},
		"lower":      {origin{4, 2}, []wire.Claim{{ID: "a", Starts: 5, Nonce: 1}}},
		"higher":     {origin{6, 2}, nil},
		"on no disk": {origin{0, 2}, nil},
	} {
		f := newLab(t, 3, "b").node("b")
		for _, o := range []origin{{5, 1}, c.second} {
			f.Step(Heard{From: "a", Hello: &wire.Hello{Size: 3, Starts: o.starts, Nonce: o.nonce}})
		}
		if got := f.hello().Contested; fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v are contested, want %v", name, got, c.want)
		}
	}
}

func TestAnIdWithADirectoryKeepsItsClaimWhateverComesWithoutOne(t *testing.T) {
	f := newLab(t, 3, "b").node("b")
	for _, starts := range []uint64{5, 0, 4} {
		f.Step(Heard{From: "a", Hello: &wire.Hello{Size: 3, Starts: starts, Nonce: 1}})
	}
	if got := f.hello().Contested; len(got) != 1 || got[0].Starts != 5 {
		t.Errorf("%v are contested", got)
	}
}

func TestAMemberTellsACopySoon(t *testing.T) {
	l := newLab(t, 1, "b")
	l.run(40)
	b := l.node("b")
	for b.Update().Broadcast == nil {
		b.Step(Tick{})
	}
	charter := b.Charter()
	for nonce := range uint64(2) {
		b.Step(Heard{From: "a", Cluster: charter.Cluster, Hello: &wire.Hello{
			Size: 1, State: wire.Standby, Charter: charter.Voters, Starts: 1, Nonce: nonce + 1,
		}})
	}
	for range b.config.HelloTicks {
		b.Step(Tick{})
	}
	if u := b.Update(); u.Broadcast == nil || len(u.Broadcast.Contested) != 2 {
		t.Errorf("it says %+v", u.Broadcast)
	}
}

func TestOnlyAsManyClaimsAreNamedAsAHelloHasRoomFor(t *testing.T) {
	f := newLab(t, 3, "b").node("b")
	for i := range wire.MaxContested {
		for nonce := range uint64(2) {
			id := raft.NodeID(fmt.Sprint("n", i))
			f.Step(Heard{From: id, Hello: &wire.Hello{Size: 3, Starts: 1, Nonce: nonce + 1}})
		}
	}
	if _, err := wire.AppendFrame(nil, &wire.Frame{From: "b", Messages: []any{f.hello()}}); err != nil {
		t.Error(err)
	}
	if got := len(f.hello().Contested); got != wire.MaxContested {
		t.Errorf("%d are named", got)
	}
}

func TestClaimsStopOnlyThoseThatTheySupersede(t *testing.T) {
	for claim, stops := range map[wire.Claim]bool{
		{ID: "a", Starts: 5, Nonce: 7}: false,
		{ID: "a", Starts: 5, Nonce: 8}: true,
		{ID: "a", Starts: 5, Nonce: 1}: true,
		{ID: "a", Starts: 6, Nonce: 7}: true,
		{ID: "a", Starts: 4, Nonce: 8}: false,
		{ID: "c", Starts: 6, Nonce: 8}: false,
	} {
		p := party{t: t}
		a := p.start("a", 5, 7)
		a.Step(Heard{From: "b", Hello: &wire.Hello{Size: 3, Contested: []wire.Claim{claim}}})
		p.run(1)
		if (a.copied != nil) != stops {
			t.Errorf("%+v stops it: %v", claim, a.copied)
		}
	}
}

func TestWhatASecondProcessSaysIsNotListenedTo(t *testing.T) {
	p := party{t: t}
	b, a, other := p.start("b", 1, 1), p.start("a", 5, 1), p.start("a", 5, 2)
	b.Step(a.word())
	heardAt := b.peers.get("a").heardAt
	b.Step(Tick{})
	other.begin()
	b.Step(other.word())
	if known := b.peers.get("a"); known.round != (Round{}) || known.heardAt != heardAt || b.saved.Round != (Round{}) {
		t.Errorf("it is in round %v, and knows of %+v", b.saved.Round, known)
	}
}

func TestACopySaysHelloOnceMoreAndThenNothing(t *testing.T) {
	p := party{t: t}
	a := p.start("a", 5, 1)
	p.run(1)
	a.Step(Heard{From: "a", Hello: &wire.Hello{Size: 3, Starts: 6, Nonce: 2}})
	u := a.Update()
	if u.Copied == nil || u.Broadcast == nil || len(u.Problems) > 0 {
		t.Fatalf("it says %+v", u)
	}
	a.Step(Heard{From: "a", Hello: &wire.Hello{Size: 3, Starts: 7, Nonce: 2}})
	for range 100 {
		a.Step(Tick{})
		if u := a.Update(); u.Copied != nil || u.Broadcast != nil {
			t.Fatalf("then it says %+v", u)
		}
	}
}

func TestNodesThatWereStartedAgainFoundACluster(t *testing.T) {
	p := party{t: t}
	p.start("a", 1, 1)
	p.start("b", 7, 2)
	p.start("c", 0, 0)
	p.run(60)
	for _, n := range p.processes {
		if n.State() != Member {
			t.Errorf("%s: %s", n.config.ID, n.Waiting())
		}
	}
	p.wantStopped()
}

func TestACopyIsCalledByItsIdItsNameAndItsStarts(t *testing.T) {
	err := &CopiedError{Node: "a", Name: "anna", Starts: 5, Other: 4}
	if got := err.Error(); !strings.Contains(got, "anna (a)") || !strings.Contains(got, "starts 5 and 4") {
		t.Error(got)
	}
}

func TestANodeWithADirectoryNeedsANonce(t *testing.T) {
	c := testConfig("a", 3)
	c.Starts = 1
	if _, err := New(c); err == nil {
		t.Error("it needs none")
	}
}
