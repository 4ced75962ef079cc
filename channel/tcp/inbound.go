package tcp

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/ben-ng/gaggle/raft"
)

// slots is a number of places. It is safe for concurrent use.
type slots chan struct{}

// take reports whether a place was free, which is the caller's from then on.
func (s slots) take() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) give() { <-s }

// An inbound is the side of a node that accepts connections and reads them.
type inbound struct {
	port       *port
	listener   net.Listener
	handshakes slots
	open       slots
}

func newInbound(p *port, listener net.Listener) *inbound {
	return &inbound{
		port:       p,
		listener:   listener,
		handshakes: make(slots, p.maxHandshakes),
		open:       make(slots, p.maxInbound),
	}
}

// run accepts connections until the listener is closed.
func (in *inbound) run() {
	for {
		conn, err := in.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			in.port.complain(slog.LevelError, "cannot accept connections", in.port.advertised, err)
			in.pause()
		default:
			in.admit(conn)
		}
	}
}

// pause lets an error pass, such as too many open files.
func (in *inbound) pause() {
	select {
	case <-time.After(in.port.minBackoff):
	case <-in.port.life.ctx.Done():
	}
}

// admit serves a connection, or closes it if there are too many.
func (in *inbound) admit(conn net.Conn) {
	if !in.port.life.hold(conn) {
		return
	}
	if !in.open.take() {
		in.turnAway(conn)
		return
	}
	if !in.handshakes.take() {
		in.open.give()
		in.turnAway(conn)
		return
	}
	in.port.life.start(func() {
		defer in.open.give()
		defer in.port.life.release(conn)
		in.serve(conn)
	})
}

func (in *inbound) turnAway(conn net.Conn) {
	in.port.life.release(conn)
	in.port.complain(slog.LevelWarn, "too many connections", hostOf(conn.RemoteAddr()), nil)
}

// serve makes the acquaintance of a peer and then reads what it sends.
func (in *inbound) serve(conn net.Conn) {
	peer, err := greet(conn, in.port.hello(), in.port.patience)
	in.handshakes.give()
	from := hostOf(conn.RemoteAddr())
	switch {
	case in.port.life.over() || peer.nonce == in.port.nonce:
	case errors.Is(err, io.EOF):
		// Somebody looked whether the port is open.
	case err != nil:
		in.port.complain(slog.LevelWarn, "refused a connection", from, err)
	default:
		in.port.learn(contact{peer.node, resolve(peer.address, conn.RemoteAddr())}, true)
		in.endOf(peer.node, in.read(conn))
	}
}

// endOf says why a peer was cut off. If the connection merely ended, the link to the
// peer will say so.
func (in *inbound) endOf(peer raft.NodeID, err error) {
	var silence net.Error
	if errors.Is(err, errRecord) || errors.Is(err, errReceiver) ||
		errors.As(err, &silence) && silence.Timeout() {
		in.port.complain(slog.LevelWarn, "cut off a peer", string(peer), err)
	}
}

// errReceiver is that the receiver returned an error.
var errReceiver = errors.New("frame refused")

// read takes what a peer sends until it ends or must be ended.
func (in *inbound) read(conn net.Conn) error {
	r := &patientReader{conn: conn, patience: in.port.patience}
	s := newStream(r)
	s.begins = r.renew
	for {
		a, err := s.next()
		if err != nil {
			return err
		}
		if in.port.life.over() {
			return errDetached // the buffer may hold thousands of frames
		}
		if err := in.take(a, conn); err != nil {
			return err
		}
	}
}

func (in *inbound) take(a arrival, conn net.Conn) error {
	if a.frame != nil {
		if err := in.port.receiver.Receive(a.frame); err != nil {
			return fmt.Errorf("%w: %w", errReceiver, err)
		}
	}
	for _, c := range a.peers {
		in.port.learn(c, false)
	}
	if a.ping {
		return in.answerPing(conn)
	}
	return nil
}

func (in *inbound) answerPing(conn net.Conn) error {
	if err := conn.SetWriteDeadline(time.Now().Add(in.port.patience)); err != nil {
		return err
	}
	_, err := conn.Write([]byte{pong})
	return err
}

// A patientReader gives up when a record is not there in whole some time after it
// was first waited for. So a peer cannot stay by sending a byte now and then.
type patientReader struct {
	conn     net.Conn
	patience time.Duration
	renewed  bool // nothing of the record has been waited for yet
}

// renew says that a record begins.
func (r *patientReader) renew() { r.renewed = true }

func (r *patientReader) Read(b []byte) (int, error) {
	if r.renewed {
		if err := r.conn.SetReadDeadline(time.Now().Add(r.patience)); err != nil {
			return 0, err
		}
		r.renewed = false
	}
	return r.conn.Read(b)
}
