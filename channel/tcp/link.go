package tcp

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/ben-ng/gaggle/raft"
)

// Why a link ends, other than by errors of the network.
var (
	errDetached   = errors.New("this node was detached")
	errUnanswered = errors.New("pings are not answered")
	errPong       = errors.New("answers what was not asked")
)

// A link is a connection that this node dialed, to one peer.
type link struct {
	port    *port
	node    raft.NodeID
	nonce   nonce // of the node
	address string
	conn    net.Conn
	queue   *queue
	done    chan struct{} // closed when all is over and the receiver has been told

	once  sync.Once
	cause error // why it ended
}

func newLink(p *port, peer hello, address string, conn net.Conn) *link {
	return &link{
		port:    p,
		node:    peer.node,
		nonce:   peer.nonce,
		address: address,
		conn:    conn,
		queue:   newQueue(),
		done:    make(chan struct{}),
	}
}

// run enters the link in the directory and writes what is queued until the
// connection ends. If another link leads to the node, it returns that at once.
func (l *link) run() (rival *link) {
	directory := l.port.directory
	if rival := directory.connect(l); rival != nil {
		l.compare(rival)
		return rival
	}
	l.port.complain(slog.LevelInfo, "connected", string(l.node), nil)
	directory.spread()

	var reader sync.WaitGroup
	reader.Go(func() { l.hangUp(l.readPongs()) })
	l.hangUp(l.write())
	reader.Wait()

	directory.disconnect(l)
	if !l.port.life.over() {
		l.port.complain(slog.LevelWarn, "connection lost", string(l.node), l.cause)
		l.port.receiver.Unreachable(l.node)
	}
	close(l.done)
	return nil
}

// compare says so if the link and its rival lead to two nodes. The first to connect
// is the one that frames for the ID are sent to.
func (l *link) compare(rival *link) {
	if l.nonce != rival.nonce {
		l.port.complain(slog.LevelWarn, "two nodes have one ID", string(l.node),
			fmt.Errorf("one is at %s, one at %s", rival.address, l.address))
	}
}

// hangUp ends the link. The first cause is the one that counts.
func (l *link) hangUp(cause error) {
	l.once.Do(func() {
		l.cause = cause
		_ = l.conn.Close() // there is nothing to save
		l.queue.close()
	})
}

// write writes until the queue is closed or a write fails.
func (l *link) write() error {
	w := writer{queue: l.queue, contacts: func() []contact {
		return l.port.directory.contacts(l.node)
	}}
	for {
		batch, ok := w.next()
		if !ok {
			return errDetached
		}
		if len(batch) == 0 {
			continue // there is nobody to tell the peer of
		}
		if err := l.conn.SetWriteDeadline(time.Now().Add(l.port.patience)); err != nil {
			return err
		}
		if _, err := l.conn.Write(batch); err != nil {
			return err
		}
	}
}

// readPongs reads the answers to pings, and asks for a ping whenever there has been
// nothing to read for a while.
func (l *link) readPongs() error {
	var buffer [2 * maxUnanswered]byte
	unanswered := 0
	for pings := 1; ; {
		if err := l.conn.SetReadDeadline(time.Now().Add(l.port.pingEvery)); err != nil {
			return err
		}
		n, err := l.conn.Read(buffer[:])
		for _, answer := range buffer[:n] {
			unanswered--
			if answer != pong || unanswered < 0 {
				return errPong
			}
		}
		var timeout net.Error
		switch {
		case err == nil:
			continue
		case !errors.As(err, &timeout) || !timeout.Timeout():
			return fmt.Errorf("the peer hung up: %w", err)
		case unanswered >= maxUnanswered:
			return errUnanswered
		}
		unanswered++
		l.queue.askPing()
		if pings++; pings%gossipEvery == 0 {
			l.queue.askGossip()
		}
	}
}
