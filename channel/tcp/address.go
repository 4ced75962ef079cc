package tcp

import (
	"errors"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/ben-ng/gaggle/raft"
)

// An address is a place where a node may be. Its goroutine dials it as long as it is
// in the directory.
type address struct {
	port  *port
	name  string // host:port
	given bool   // by the user, not learned
	// claim is the node said to be there, of a learned address. Nothing rests on it
	// but that the address is not dialed while that node is connected.
	claim raft.NodeID
	// kick ends the rest after a failure.
	kick chan struct{}

	backoff backoff
	failing time.Time // since when, zero if not
}

func newAddress(p *port, name string, claim raft.NodeID) *address {
	return &address{
		port:    p,
		name:    name,
		given:   claim == raft.None,
		claim:   claim,
		kick:    make(chan struct{}, 1),
		backoff: backoff{least: p.minBackoff, most: p.maxBackoff},
	}
}

// wake says that the node is there now.
func (a *address) wake() {
	select {
	case a.kick <- struct{}{}:
	default:
	}
}

// run dials until the node is detached or the address is forgotten.
func (a *address) run() {
	if rival := a.port.directory.find(a.claim); rival != nil {
		a.rest(a.port.recheck, a.kick, rival.done)
	}
	for !a.port.life.over() && !a.hopeless() {
		a.visit()
	}
}

// hopeless reports whether the address has been forgotten, because it has failed for
// too long.
func (a *address) hopeless() bool {
	return !a.given && !a.failing.IsZero() &&
		time.Since(a.failing) >= a.port.forgetAfter && a.port.directory.leave(a)
}

// visit dials once, uses the connection as long as it lasts, and rests.
func (a *address) visit() {
	conn, peer, err := a.port.dial(a.name)
	switch {
	case errors.Is(err, errSelf):
		a.fails()
		a.rest(a.port.recheck, a.kick, nil)
	case err != nil:
		a.fails()
		a.port.complain(slog.LevelWarn, "cannot connect", a.name, err)
		a.rest(a.backoff.next(), a.kick, nil)
	default:
		a.failing = time.Time{}
		started := time.Now()
		rival := newLink(a.port, peer, a.name, conn).run()
		a.port.life.release(conn)
		a.restAfter(time.Since(started), rival)
	}
}

// fails notes the beginning of a row of failures.
func (a *address) fails() {
	if a.failing.IsZero() {
		a.failing = time.Now()
	}
}

// restAfter rests after a connection that lasted for some time, or was of no use
// because of another link to the same node.
func (a *address) restAfter(lasted time.Duration, rival *link) {
	if rival != nil {
		a.rest(a.port.recheck, a.kick, rival.done)
		return
	}
	if lasted >= a.backoff.most {
		a.backoff.reset()
	}
	// A kick is no reason to hurry here: two nodes that cut each other at once
	// would kick each other for ever.
	a.rest(a.backoff.next(), nil, nil)
}

// rest waits for a time, or one of the channels, or the end.
func (a *address) rest(d time.Duration, kick, gone <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-kick:
		a.failing = time.Time{} // there is hope again
	case <-gone:
	case <-a.port.life.ctx.Done():
	}
}

// splitAddress returns host and port of an address, which are both well-formed if
// there is no error. The host may be empty.
func splitAddress(name string) (host, port string, err error) {
	if len(name) > maxAddress {
		return "", "", &net.AddrError{Err: "address too long", Addr: name}
	}
	host, port, err = net.SplitHostPort(name)
	if err != nil {
		return "", "", err
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", "", &net.AddrError{Err: "port is not a number up to 65535", Addr: name}
	}
	return host, port, nil
}

// dialable reports whether a learned address is worth an attempt.
func dialable(name string) bool {
	host, port, err := splitAddress(name)
	return err == nil && host != "" && port != "0"
}

// resolve returns where to dial a node that advertises an address, given where a
// connection from it comes from.
func resolve(advertised string, from net.Addr) string {
	host, port, err := splitAddress(advertised)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		return advertised
	}
	return net.JoinHostPort(hostOf(from), port)
}

// hostOf returns the host of a connection's remote address.
func hostOf(addr net.Addr) string {
	host, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	return host
}
