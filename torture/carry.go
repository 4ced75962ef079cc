//go:build unix

package main

import (
	"net"
	"sync"
	"time"
)

// What is under way on a delayed connection: so many pieces of at most so many bytes. With
// more, the sender waits, as on a real one.
const (
	pieceBytes = 32 << 10
	maxPieces  = 128
)

// A piece is bytes, and when they arrive.
type piece struct {
	data []byte
	due  time.Time
}

// carry copies what one side says to the other, first of all some bytes that were read
// already, as the link lets it, until either end is closed.
func (n *network) carry(p pair, to, from net.Conn, first []byte) {
	pieces, gone := make(chan piece, maxPieces), make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(pieces)
		n.collect(p, from, first, pieces, gone)
	})
	n.deliver(p, to, pieces)
	close(gone)
	_ = from.Close()
	reader.Wait()
}

// collect reads, and says of each piece when it is due.
func (n *network) collect(p pair, from net.Conn, data []byte, pieces chan<- piece, gone <-chan struct{}) {
	for {
		if len(data) > 0 {
			_, delay, _ := n.state(p)
			select {
			case pieces <- piece{data, time.Now().Add(delay)}:
			case <-gone:
				return
			}
		}
		buffer := make([]byte, pieceBytes)
		count, err := from.Read(buffer)
		if err != nil {
			return
		}
		data = buffer[:count]
	}
}

// deliver writes each piece when it is due and the link holds nothing back. What is held
// back when the connection ends does not arrive.
func (n *network) deliver(p pair, to net.Conn, pieces <-chan piece) {
	for next := range pieces {
		if wait := time.Until(next.due); wait > 0 {
			time.Sleep(wait)
		}
		for held, _, changed := n.state(p); held; held, _, changed = n.state(p) {
			<-changed
		}
		if _, err := to.Write(next.data); err != nil {
			return
		}
	}
}
