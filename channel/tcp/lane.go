package tcp

// A lane is a first-in, first-out queue of frames with a limit of their number and
// of their bytes.
type lane struct {
	maxFrames, maxBytes int

	frames [][]byte // those before head are gone
	head   int
	bytes  int
}

func (l *lane) len() int { return len(l.frames) - l.head }

// push reports whether there was room for the frame.
func (l *lane) push(frame []byte) bool {
	if l.len() >= l.maxFrames || l.bytes+len(frame) > l.maxBytes {
		return false
	}
	if len(l.frames) == cap(l.frames) && l.head > len(l.frames)/2 {
		l.compact()
	}
	l.frames = append(l.frames, frame)
	l.bytes += len(frame)
	return true
}

// take appends frames to dst until the budget, in bytes, is used up or a frame of
// more than pieceBytes has been taken. It returns what is left of the budget.
func (l *lane) take(dst [][]byte, budget int) ([][]byte, int) {
	for l.len() > 0 && budget > 0 {
		frame := l.frames[l.head]
		l.frames[l.head] = nil
		l.head++
		l.bytes -= len(frame)
		dst = append(dst, frame)
		if len(frame) > pieceBytes {
			budget = 0
		}
		budget -= headerBytes + len(frame)
	}
	if l.len() == 0 {
		l.frames, l.head = l.frames[:0], 0
	}
	return dst, budget
}

// compact moves the frames to the front, where others have left.
func (l *lane) compact() {
	n := copy(l.frames, l.frames[l.head:])
	clear(l.frames[n:])
	l.frames, l.head = l.frames[:n], 0
}
