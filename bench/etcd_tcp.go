package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"sync"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// etcdBuffer is how much of a connection is read or written at a time: 64 KiB, which is
// 2,048 small entries.
const etcdBuffer = 64 << 10

// etcdNet is a plain way to send etcd's messages: one TCP connection for each direction
// of each pair, on which every message has its length before it. A goroutine for each
// connection encodes and writes all that is waiting at once, and one decodes. A
// connection that breaks is not made again: the leader ends the run when it misses its
// followers.
type etcdNet []net.Listener

// listenEtcd listens for three nodes on loopback.
func listenEtcd() (etcdNet, error) {
	var e etcdNet
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		e = append(e, l)
	}
	return e, nil
}

// connect lets a node accept, and dials all others.
func (e etcdNet) connect(n *etcdNode, all []*etcdNode) error {
	own := e[n.id-1]
	go n.accept(own)
	n.releases = append(n.releases, func() { must(own.Close()) })
	links := make([]*etcdLink, len(all))
	for i, l := range e {
		if l == own {
			continue
		}
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return err
		}
		links[i] = &etcdLink{conn: conn, wake: make(chan struct{}, 1)}
		go links[i].run()
		n.releases = append(n.releases, links[i].close)
	}
	n.send = func(m *raftpb.Message) { links[m.GetTo()-1].send(m) }
	return nil
}

func (n *etcdNode) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go n.readFrom(conn)
	}
}

func (n *etcdNode) readFrom(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReaderSize(conn, etcdBuffer)
	var length [4]byte
	var frame []byte
	for {
		if _, err := io.ReadFull(in, length[:]); err != nil {
			return
		}
		size := int(binary.LittleEndian.Uint32(length[:]))
		if cap(frame) < size {
			frame = make([]byte, size)
		}
		if _, err := io.ReadFull(in, frame[:size]); err != nil {
			return
		}
		m := &raftpb.Message{}
		must(proto.Unmarshal(frame[:size], m))
		n.receive(m)
	}
}

// An etcdLink is a connection to another node.
type etcdLink struct {
	conn net.Conn
	wake chan struct{}

	mu      sync.Mutex
	waiting []*raftpb.Message
	closed  bool
}

func (l *etcdLink) send(m *raftpb.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, m)
	l.rouse()
}

func (l *etcdLink) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *etcdLink) run() {
	out := bufio.NewWriterSize(l.conn, etcdBuffer)
	var frame []byte
	for range l.wake {
		l.mu.Lock()
		messages, closed := l.waiting, l.closed
		l.waiting = nil
		l.mu.Unlock()
		if closed {
			return
		}
		for _, m := range messages {
			var err error
			frame, err = proto.MarshalOptions{}.MarshalAppend(append(frame[:0], 0, 0, 0, 0), m)
			must(err)
			binary.LittleEndian.PutUint32(frame, uint32(len(frame)-4))
			if _, err := out.Write(frame); err != nil {
				return
			}
		}
		if out.Flush() != nil {
			return
		}
	}
}

func (l *etcdLink) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.rouse()
	_ = l.conn.Close()
}
