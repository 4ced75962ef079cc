package tcp

import (
	"context"
	"net"
	"sync"
)

// A lifetime is all that runs for an attached node, so that it can be ended
// together. It is safe for concurrent use.
type lifetime struct {
	ctx  context.Context // done once the end has begun
	stop context.CancelFunc

	mu    sync.Mutex
	ended bool
	conns map[net.Conn]struct{}
	work  sync.WaitGroup
}

func newLifetime() *lifetime {
	l := &lifetime{conns: make(map[net.Conn]struct{})}
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l
}

// start runs f in a goroutine that end waits for, unless the end has begun.
func (l *lifetime) start(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.work.Go(f)
	}
}

// hold makes end close the connection. It reports false, and closes it itself, if the
// end has begun.
func (l *lifetime) hold(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		_ = conn.Close()
		return false
	}
	l.conns[conn] = struct{}{}
	return true
}

// release closes a connection and forgets it.
func (l *lifetime) release(conn net.Conn) {
	_ = conn.Close() // there is nothing to save
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
}

func (l *lifetime) over() bool { return l.ctx.Err() != nil }

// end closes all connections and waits for all goroutines. It may be called any
// number of times.
func (l *lifetime) end() {
	l.stop()
	l.mu.Lock()
	l.ended = true
	for conn := range l.conns {
		_ = conn.Close()
	}
	l.mu.Unlock()
	l.work.Wait()
}
