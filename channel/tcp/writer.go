package tcp

// batchBytes is about how much one write takes. It is more than one piece, so that
// bulk goes out in few system calls; together with the last piece, which may begin
// just below it, it bounds what an urgent frame waits for.
const batchBytes = 128 << 10

// A writer turns what is in a queue into the bytes for one write at a time.
type writer struct {
	queue    *queue
	contacts func() []contact // whom to tell the peer of

	load  load
	large []byte // the part of a large frame that is yet to be sent
	out   []byte
}

// next waits until there is something to write and returns it, valid until the
// next call. It reports false if the queue is closed.
func (w *writer) next() ([]byte, bool) {
	if !w.queue.take(&w.load, batchBytes, w.large == nil) {
		return nil, false
	}
	w.out = w.out[:0]
	if w.load.ping {
		w.out = appendPing(w.out)
	}
	if w.load.gossip {
		w.out = appendPeers(w.out, w.contacts())
	}
	for i, frame := range w.load.frames {
		w.load.frames[i] = nil
		if len(frame) > pieceBytes {
			w.out, w.large = appendFirst(w.out, frame)
		} else {
			w.out = appendFrame(w.out, frame)
		}
	}
	w.addPieces()
	return w.out, true
}

// addPieces goes on with a large frame.
func (w *writer) addPieces() {
	for len(w.large) > 0 && len(w.out) < batchBytes {
		w.out, w.large = appendNext(w.out, w.large)
	}
	if len(w.large) == 0 {
		w.large = nil // the frame's memory too
	}
}
