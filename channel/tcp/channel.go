package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/ben-ng/gaggle/channel"
)

var _ channel.Channel = (*Channel)(nil)

// Config says where a node is and where others may be. Addresses are host:port; the
// port is a number.
type Config struct {
	// Listen is the address to listen on. Without a host, as in ":7001", it is every
	// address of this machine. With port 0 the system chooses a port when the channel
	// is first opened; the channel keeps it.
	Listen string
	// Peers are addresses where other nodes may be found. Addresses that lead to
	// this node, or to nobody, do no harm, so that all nodes can have the same list.
	Peers []string
	// Advertise is the address that other nodes dial to reach this one, if it is not
	// the one that it listens on, as behind a port mapping. Without a host, it is
	// the IP address that this node's connections come from.
	Advertise string
}

// A Channel is the address of one node and those of some others. It is open for one
// node at a time. Make one with New or NewConfig. It is safe for concurrent use.
type Channel struct {
	config   Config
	settings settings

	mu     sync.Mutex
	listen string // the address to listen on at the next Open
	bound  string // the address that the last Open listened on
	open   *port
}

// New returns a channel for a node that listens on an address and finds others at the
// addresses of peers. Errors in these appear in Open.
func New(listen string, peers ...string) *Channel {
	return NewConfig(Config{Listen: listen, Peers: peers})
}

// NewConfig returns a channel. Errors in the configuration appear in Open.
func NewConfig(config Config) *Channel {
	config.Peers = slices.Clone(config.Peers)
	return &Channel{config: config, settings: defaults(), listen: config.Listen}
}

// CrossesProcesses returns true.
func (c *Channel) CrossesProcesses() bool { return true }

// Addr returns the address that the channel listens on, or last listened on: the IP
// address and the port. It is empty before the first Open.
func (c *Channel) Addr() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bound
}

// Open listens, starts to dial the peers, and returns without waiting for any.
// Errors: channel.ErrInUse if a node is attached, channel.ErrInvalidSelf, and errors
// of package net, wrapped, if an address is malformed or cannot be listened on.
func (c *Channel) Open(self channel.Self, r channel.Receiver) (channel.Port, error) {
	if err := errors.Join(self.Check(), c.config.check()); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open != nil {
		return nil, channel.ErrInUse
	}
	listener, err := net.Listen("tcp", c.listen)
	if err != nil {
		return nil, fmt.Errorf("tcp: %w", err)
	}
	c.keepPort(listener)
	c.open = newPort(c, self, r, listener)
	c.open.start(c.config.Peers)
	return c.open, nil
}

func (c Config) check() error {
	addresses := append([]string{c.Listen}, c.Peers...)
	if c.Advertise != "" {
		addresses = append(addresses, c.Advertise)
	}
	for _, name := range addresses {
		if _, _, err := splitAddress(name); err != nil {
			return fmt.Errorf("tcp: %w", err)
		}
	}
	for _, name := range c.Peers {
		if !dialable(name) {
			return fmt.Errorf("tcp: peer %q: the address needs a host and a port", name)
		}
	}
	return nil
}

// keepPort makes the next Open listen where this one does.
func (c *Channel) keepPort(listener net.Listener) {
	c.bound = listener.Addr().String()
	host, _, _ := net.SplitHostPort(c.config.Listen) // was checked
	_, port, _ := net.SplitHostPort(c.bound)         // is well-formed
	c.listen = net.JoinHostPort(host, port)
}

// advertised returns what to tell other nodes.
func (c *Channel) advertised(listener net.Listener) string {
	if c.config.Advertise != "" {
		return c.config.Advertise
	}
	bound, ok := listener.Addr().(*net.TCPAddr)
	if ok && bound.IP.IsUnspecified() {
		return fmt.Sprintf(":%d", bound.Port)
	}
	return listener.Addr().String()
}

// detached makes the channel free for the next node.
func (c *Channel) detached(p *port) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == p {
		c.open = nil
	}
}

// sendBuffer is how many bytes the kernel may hold for sending: enough to keep a
// 1 Gbit/s network with 2 ms of latency busy, and little for an urgent frame to wait
// for.
const sendBuffer = 256 << 10

// connect is where every connection to a peer is made.
func connect(ctx context.Context, address string, patience time.Duration) (net.Conn, error) {
	dialer := net.Dialer{Timeout: patience}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer) // a system that will not, will do without
	}
	return conn, nil
}
