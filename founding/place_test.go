package founding

import (
	"reflect"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

func TestAStandbyThatGetsAPlaceIsAMemberAndGivesItBack(t *testing.T) {
	l := newLab(t, 3, "abcd")
	l.run(40)
	d := l.node("d")
	charter := d.Charter()
	for _, state := range []State{Member, Standby, Member} {
		d.Update()
		d.Step(Tick{})
		d.Step(Placed{Member: state == Member})
		d.Step(Tick{})
		u := d.Update()
		if d.State() != state || u.Persist == nil || u.Persist.State != state {
			t.Fatalf("it is a %v, and saves %+v", d.State(), u.Persist)
		}
		if u.Broadcast == nil || u.Broadcast.State != wire.HelloState(state) || u.Cluster != charter.Cluster {
			t.Errorf("as a %v it says %+v", state, u.Broadcast)
		}
		if !reflect.DeepEqual(d.Charter(), charter) || u.Activated != nil || u.Standby != nil {
			t.Errorf("it begins again: %+v", u)
		}
		if _, err := Restore(testConfig("d", 3), *u.Persist); err != nil {
			t.Errorf("what it saved is refused: %v", err)
		}
	}
}

func TestAPlaceThatIsNoNewsIsNotSaved(t *testing.T) {
	l := newLab(t, 3, "abcd")
	l.run(40)
	for id, place := range map[raft.NodeID]Placed{"a": {Member: true}, "d": {}} {
		l.node(id).Update()
		l.node(id).Step(place)
		if u := l.node(id).Update(); u.Persist != nil {
			t.Errorf("%s saves %+v", id, u.Persist)
		}
	}
}

func TestAFreshNodeHasNoPlaceToGetOrToLose(t *testing.T) {
	for _, member := range []bool{false, true} {
		l := newLab(t, 3, "a")
		l.node("a").Step(Placed{Member: member})
		l.want(Fresh, "a")
	}
}

// Whatever place it has, a node that knows a cluster founds none, and those that come late
// learn of the same one.
func TestAClusterThatReplacedItsMembersIsStillTheSame(t *testing.T) {
	l := newLab(t, 3, "abcd")
	l.run(40)
	l.place(false, "a")
	l.place(true, "d")
	l.crash("bc")
	l.start("efg")
	l.run(200)
	l.want(Member, "d")
	l.want(Standby, "aefg")
	l.wantCharter("abc", "adefg")
}

func TestStandbysAreThoseThatAreThere(t *testing.T) {
	l := newLab(t, 3, "abcde")
	l.run(40)
	wantStandbys := func(want ...raft.NodeID) {
		t.Helper()
		if got := l.node("b").Standbys(); !slices.Equal(got, want) {
			t.Errorf("the standbys are %v, want %v", got, want)
		}
	}
	wantStandbys("d", "e")
	l.place(false, "a")
	l.place(true, "d")
	l.run(20)
	wantStandbys("a", "e")
	l.crash("e")
	l.run(testConfig("b", 3).SilentTicks)
	wantStandbys("a")
}

func TestStandbysOfAnotherClusterAreNone(t *testing.T) {
	l := newLab(t, 2, "abc")
	l.run(40)
	others := newLab(t, 2, "xyz")
	others.run(40)
	u := others.node("z").Update()
	for u.Broadcast == nil {
		others.node("z").Step(Tick{})
		u = others.node("z").Update()
	}
	l.node("a").Step(Heard{"z", u.Cluster, u.Broadcast})
	if got := l.node("a").Standbys(); !slices.Equal(got, []raft.NodeID{"c"}) {
		t.Errorf("the standbys are %v", got)
	}
}
