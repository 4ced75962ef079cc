//go:build unix

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// A proxy stands before a node, which tells everybody the proxy's address as its own. It
// reads who connects, in the hello, and so knows which link of the network a connection is.
type proxy struct {
	network  *network
	target   int
	names    []string // of the nodes
	listener net.Listener

	mu    sync.Mutex
	to    string // where the node itself listens; empty if that is not known
	over  bool
	conns map[net.Conn]struct{}
	work  sync.WaitGroup
}

// newProxy listens; nothing is let in before run.
func newProxy(n *network, target int, names []string) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &proxy{network: n, target: target, names: names, listener: listener, conns: map[net.Conn]struct{}{}}, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// run serves until the proxy is closed.
func (p *proxy) run() {
	p.work.Go(func() {
		for {
			conn, err := p.listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil && p.hold(conn) {
				p.work.Go(func() {
					defer p.release(conn)
					p.serve(conn)
				})
			}
		}
	})
}

// leadTo says where the node listens from now on.
func (p *proxy) leadTo(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to = address
}

func (p *proxy) behind() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.to
}

// hold has close close the connection; if that was called already, it does so itself.
func (p *proxy) hold(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		_ = conn.Close()
		return false
	}
	p.conns[conn] = struct{}{}
	return true
}

func (p *proxy) release(conn net.Conn) {
	_ = conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.over = true
	for conn := range p.conns {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.work.Wait()
}

// helloPatience is how long a hello may take: as long as a node would wait.
const helloPatience = 5 * time.Second

// serve connects a node with the one behind the proxy until either hangs up.
func (p *proxy) serve(dialer net.Conn) {
	_ = dialer.SetReadDeadline(time.Now().Add(helloPatience)) // if it fails, so does reading
	hello, name, err := readHello(dialer)
	from := p.find(name)
	if err != nil || from < 0 {
		return
	}
	_ = dialer.SetReadDeadline(time.Time{})
	target, err := net.DialTimeout("tcp", p.behind(), helloPatience)
	if err != nil || !p.hold(target) {
		return
	}
	defer p.release(target)
	there, back := pair{from, p.target}, pair{p.target, from}
	if !p.network.enter(there, dialer, target) {
		return
	}
	defer p.network.leave(there, dialer, target)
	hangUp := func() { _, _ = dialer.Close(), target.Close() }
	var both sync.WaitGroup
	both.Go(func() { defer hangUp(); p.network.carry(there, target, dialer, hello) })
	both.Go(func() { defer hangUp(); p.network.carry(back, dialer, target, nil) })
	both.Wait()
}

func (p *proxy) find(name string) int {
	for i, n := range p.names {
		if n == name {
			return i
		}
	}
	return -1
}

// The hello of channel/tcp, as its documentation has it: where its length is, and what comes
// before the lengths of the names of the cluster and the node.
const (
	helloLengthAt = 5
	helloPrefix   = 7
	helloNonce    = 16
)

// readHello reads a hello, and returns it with the name of the node that it is from.
func readHello(r io.Reader) (hello []byte, name string, err error) {
	var prefix [helloPrefix]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, "", err
	}
	body := make([]byte, binary.BigEndian.Uint16(prefix[helloLengthAt:]))
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, "", err
	}
	_, rest, ok1 := cutShort(body[min(helloNonce, len(body)):])
	id, _, ok2 := cutShort(rest)
	if !ok1 || !ok2 {
		return nil, "", fmt.Errorf("this is no hello: %q", body)
	}
	name, _, _ = strings.Cut(id, "#")
	return append(prefix[:], body...), name, nil
}

// cutShort takes a string from the front of b that follows its length.
func cutShort(b []byte) (s string, rest []byte, ok bool) {
	if len(b) == 0 || int(b[0]) >= len(b) {
		return "", nil, false
	}
	end := 1 + int(b[0])
	return string(b[1:end]), b[end:], true
}
