package tcp

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/ben-ng/gaggle/raft"
)

func TestNodesMeetThroughOneSeed(t *testing.T) {
	a := attach(t, "a", patient())
	b := attach(t, "b", patient(), a.addr())
	c := attach(t, "c", patient(), a.addr())
	d := attach(t, "d", patient(), c.addr()) // knows c only, which is no seed
	nodes := []*node{a, b, c, d}
	for _, from := range nodes {
		for _, to := range nodes {
			if from != to {
				from.waitReaches(to)
			}
		}
	}
}

func TestANodeLeavesItsOwnAddressAlone(t *testing.T) {
	own := newProxy(t, "")
	ch := New("127.0.0.1:0", own.addr())
	a := attachTo(t, "a", patient(), ch)
	own.forwardTo(a.addr())
	wait(t, "a has dialed itself", func() bool {
		_, bytes := own.counts()
		return bytes > 0
	})
	before, _ := own.counts()
	b := attach(t, "b", patient(), a.addr())
	b.waitReaches(a) // takes long enough for many more attempts
	a.waitReaches(b)
	if after, _ := own.counts(); after > before {
		t.Errorf("a has dialed itself %d times more", after-before)
	}
	if a.directory.find("a") != nil || a.log.quote("connected", "peer=a") > 0 {
		t.Error("a is or was connected to itself")
	}
}

func TestTwoAddressesOfANodeGiveOneConnection(t *testing.T) {
	a := attach(t, "a", patient())
	alias := newProxy(t, a.addr())
	b := attach(t, "b", patient(), alias.addr(), a.addr())
	wait(t, "b has tried both addresses", func() bool {
		n, _ := alias.counts()
		return n > 0 && b.directory.find("a") != nil
	})
	b.waitReaches(a)
	before := a.count("once")
	if err := b.Broadcast([]byte("once")); err != nil {
		t.Fatal(err)
	}
	b.waitReaches(a) // comes after what was sent before
	if got := a.count("once") - before; got != 1 {
		t.Errorf("a broadcast arrived %d times", got)
	}
	alias.close()
	b.waitReaches(a)
	a.waitReaches(b)
}

func TestAnAddressOfAConnectedNodeIsNotDialed(t *testing.T) {
	a := attach(t, "a", patient())
	b := attach(t, "b", patient(), a.addr())
	b.waitReaches(a)
	alias := newProxy(t, a.addr())
	b.learn(contact{"a", alias.addr()}, false)
	for range 20 { // gives b time to do wrong
		b.waitReaches(a)
	}
	if dialed, _ := alias.counts(); dialed > 0 {
		t.Errorf("b has dialed it %d times", dialed)
	}
}

func TestANodeThatIsHeardOfHasHopeAgain(t *testing.T) {
	n := attachUnheard(t)
	n.directory.limit = 1
	a := newAddress(n.port, "192.0.2.1:1", "a")
	if fresh, err := n.directory.enter(a, true); !fresh || err != nil {
		t.Fatal(fresh, err)
	}
	a.failing = time.Now().Add(-2 * n.forgetAfter)
	if fresh, err := n.directory.enter(newAddress(n.port, a.name, "a"), true); fresh || err != nil {
		t.Fatal(fresh, err)
	}
	if a.hopeless() {
		t.Error("it is forgotten although the node has just been heard of")
	}
	a.rest(time.Hour, a.kick, nil)
	if a.hopeless() {
		t.Error("it is forgotten at the next failure")
	}
	a.failing = time.Now().Add(-2 * n.forgetAfter)
	if !a.hopeless() || n.known() > 0 {
		t.Error("it is not forgotten when it fails for long")
	}
}

func TestAnotherAddressOfANodeTakesOverWhenOneFails(t *testing.T) {
	a, alias := attachBehindProxy(t, "a", patient())
	b := attach(t, "b", patient(), alias.addr())
	b.waitConnected("a")
	b.learn(contact{"a", a.addr()}, false) // of no use while the alias works
	alias.close()
	wait(t, "b is connected through a's own address", func() bool {
		link := b.directory.find("a")
		return link != nil && link.address == a.addr()
	})
}

func TestTheNodeThatLeftAnAddressIsReportedLost(t *testing.T) {
	a := attach(t, "a", patient())
	old := attach(t, "old", patient(), a.addr())
	a.waitReaches(old)
	_ = old.Close()
	next := attachTo(t, "next", patient(), old.channel)
	a.waitLost("old")
	a.waitReaches(next)
	if a.directory.find("old") != nil {
		t.Error("a is still connected to the old node")
	}
}

func TestALearnedAddressThatFailsIsForgotten(t *testing.T) {
	s := patient()
	s.forgetAfter = 20 * time.Millisecond
	a := attach(t, "a", s)
	b := attach(t, "b", s, a.addr())
	a.waitReaches(b)
	_ = b.Close()
	wait(t, "a has forgotten b's address", func() bool { return a.known() == 0 })

	again := attachTo(t, "b", s, b.channel)
	a.waitReaches(again)
}

func TestAGivenAddressThatFailsIsDialedForEver(t *testing.T) {
	s := patient()
	s.forgetAfter = 0 // a learned one would be forgotten at once
	a := attach(t, "a", s)
	_ = a.Close()
	b := attach(t, "b", s, a.addr())
	b.log.waitLine(t, "cannot connect", a.addr())
	again := attachTo(t, "a", s, a.channel)
	b.waitReaches(again)
}

func TestNoMoreAddressesAreLearnedThanTheLimit(t *testing.T) {
	s := patient()
	s.maxAddresses = 5
	n := attach(t, "n", s)
	liar := newActor(t, "liar")
	var lies []contact
	for i := range 20 {
		lies = append(lies, contact{raft.NodeID(fmt.Sprint("lie", i)), fmt.Sprint("127.0.0.1:", i+1)})
	}
	write(liar.dial(n), appendPeers(nil, lies))
	n.log.waitLine(t, "cannot learn an address", errFull.Error())
	if got := n.known(); got != 5 {
		t.Errorf("%d addresses are known, want 5", got)
	}
}

func TestOnlyConnectedNodesArePassedOn(t *testing.T) {
	n := attach(t, "n", patient())
	liar := newActor(t, "liar")
	write(liar.dial(n), appendPeers(nil, []contact{
		{"ghost", "127.0.0.1:1"}, // nobody is there
		{"n", "127.0.0.1:2"},     // this is n itself
		{"nowhere", "127.0.0.1"}, // not an address
	}))
	n.log.waitLine(t, "cannot connect", "127.0.0.1:1")
	b := attach(t, "b", patient(), n.addr())
	b.waitReaches(n)
	n.waitReaches(b)
	for _, c := range n.directory.contacts("somebody") {
		if c.node != "b" && c.node != "liar" {
			t.Errorf("n passes on %v", c)
		}
	}
	if got := n.known(); got != 3 { // liar, ghost, b
		t.Errorf("n knows %d addresses, want 3", got)
	}
}

func TestANodeThatListensEverywhereIsFound(t *testing.T) {
	ch := New("0.0.0.0:0")
	a := attachTo(t, "a", patient(), ch)
	_, number, _ := net.SplitHostPort(ch.Addr())
	b := attachTo(t, "b", patient(), New("0.0.0.0:0", "127.0.0.1:"+number))
	b.waitReaches(a)
	a.waitReaches(b)
}

func TestTheAdvertisedAddressIsDialed(t *testing.T) {
	a := attach(t, "a", patient())
	outside := newProxy(t, "")
	ch := NewConfig(Config{
		Listen:    "127.0.0.1:0",
		Peers:     []string{a.addr()},
		Advertise: outside.addr(),
	})
	b := attachTo(t, "b", patient(), ch)
	outside.forwardTo(ch.Addr())
	a.waitReaches(b)
	if link := a.directory.find("b"); link.address != outside.addr() {
		t.Errorf("a is connected through %s, want %s", link.address, outside.addr())
	}
}

func TestANodeThatIsHeardOfIsDialedAtOnce(t *testing.T) {
	b := attach(t, "b", patient())
	_ = b.Close()
	s := patient()
	s.minBackoff, s.maxBackoff = time.Hour, time.Hour
	a := attach(t, "a", s, b.addr())
	a.log.waitLine(t, "cannot connect", b.addr()) // and rests for half an hour
	b.channel.config.Peers = []string{a.addr()}
	again := attachTo(t, "b", patient(), b.channel)
	a.waitReaches(again)
}
