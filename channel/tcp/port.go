package tcp

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

var _ channel.Port = (*port)(nil)

// errSelf is that the node has dialed itself.
var errSelf = errors.New("this is the node itself")

// A port is an attached node.
type port struct {
	settings
	channel    *Channel
	self       channel.Self
	receiver   channel.Receiver
	nonce      nonce
	advertised string
	log        *complaints
	life       *lifetime
	directory  *directory
	inbound    *inbound
}

func newPort(c *Channel, self channel.Self, r channel.Receiver, listener net.Listener) *port {
	p := &port{
		settings:   c.settings,
		channel:    c,
		self:       self,
		receiver:   r,
		advertised: c.advertised(listener),
		log:        newComplaints(self.Log),
		life:       newLifetime(),
		directory:  newDirectory(c.settings.maxAddresses),
	}
	_, _ = rand.Read(p.nonce[:]) // does not fail, by its documentation
	p.inbound = newInbound(p, listener)
	return p
}

// start begins to accept connections and to dial.
func (p *port) start(peers []string) {
	p.life.start(p.inbound.run)
	for _, name := range peers {
		p.try(newAddress(p, name, raft.None), false)
	}
}

func (p *port) Send(to raft.NodeID, class channel.Class, frame []byte) error {
	if err := p.refusal(frame); err != nil {
		return err
	}
	l := p.directory.find(to)
	if l == nil {
		return channel.ErrUnknownPeer
	}
	return l.queue.push(class, frame)
}

func (p *port) Broadcast(frame []byte) error {
	if err := p.refusal(frame); err != nil {
		return err
	}
	for _, l := range p.directory.all() {
		_ = l.queue.push(channel.Urgent, frame) // a broadcast does not say who missed it
	}
	return nil
}

func (p *port) refusal(frame []byte) error {
	if p.life.over() {
		return channel.ErrClosed
	}
	if len(frame) > channel.MaxFrame {
		return channel.ErrTooLarge
	}
	return nil
}

func (p *port) Close() error {
	p.life.stop() // before the listener fails, so that nobody complains about that
	_ = p.inbound.listener.Close()
	p.life.end()
	p.channel.detached(p)
	return nil
}

func (p *port) hello() hello {
	return hello{
		nonce:   p.nonce,
		cluster: p.self.Cluster,
		node:    p.self.ID,
		address: p.advertised,
	}
}

// dial connects to an address and learns who is there. On success the connection is
// held by the lifetime.
func (p *port) dial(address string) (net.Conn, hello, error) {
	conn, err := connect(p.life.ctx, address, p.patience)
	if err != nil {
		return nil, hello{}, err
	}
	if !p.life.hold(conn) {
		return nil, hello{}, errDetached
	}
	peer, err := introduce(conn, p.hello(), p.patience)
	if err == nil && peer.nonce == p.nonce {
		err = errSelf
	}
	if err != nil {
		p.life.release(conn)
		return nil, hello{}, err
	}
	return conn, peer, nil
}

// learn takes note of where a node is said to be: by itself, if direct.
func (p *port) learn(c contact, direct bool) {
	if c.node == p.self.ID || !dialable(c.address) {
		return
	}
	p.try(newAddress(p, c.address, c.node), direct && p.directory.find(c.node) == nil)
}

// try starts to dial an address if it is new, and may wake it if it is not.
func (p *port) try(a *address, wake bool) {
	fresh, err := p.directory.enter(a, wake)
	if err != nil {
		p.complain(slog.LevelWarn, "cannot learn an address", string(a.claim), err)
	}
	if fresh {
		p.life.start(a.run)
	}
}

// complain logs trouble with a peer, unless the trouble is that this node is being
// detached.
func (p *port) complain(level slog.Level, text, peer string, err error) {
	if !p.life.over() {
		p.log.say(level, text, peer, err)
	}
}
