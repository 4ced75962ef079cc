package vfs

import (
	"errors"
	"fmt"
	"io"
)

// diskHandle is an open file of a Disk.
type diskHandle struct {
	disk   *Disk
	file   *diskFile
	name   string
	life   int
	closed bool
}

// begin begins an operation. The lock is held.
func (h *diskHandle) begin(kind OpKind, offset int64, length int) error {
	if h.closed {
		return fmt.Errorf("vfs: %s: the file is closed", h.name)
	}
	if h.life != h.disk.life {
		return ErrCrashed
	}
	return h.disk.begin(Op{Kind: kind, Name: h.name, Offset: offset, Length: length})
}

func (h *diskHandle) ReadAt(b []byte, offset int64) (int, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.begin(OpRead, offset, len(b)); err != nil {
		return 0, err
	}
	n := int(max(0, min(int64(len(b)), h.file.now.size-offset)))
	h.file.now.read(b[:n], offset)
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (h *diskHandle) WriteAt(b []byte, offset int64) (int, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	failed := h.begin(OpWrite, offset, len(b))
	if failed != nil {
		if !h.disk.faults.Half || errors.Is(failed, ErrCrashed) || h.closed {
			return 0, failed
		}
		b = b[:len(b)/2]
	}
	if beyond := offset + int64(len(b)) - h.file.now.size - h.disk.room(); beyond > 0 {
		// What fits is written, as a system does.
		failed = errors.Join(failed, fmt.Errorf("%w: %s", ErrFull, h.name))
		b = b[:max(0, int64(len(b))-beyond)]
	}
	h.write(b, offset)
	return len(b), failed
}

// write writes what there is room for, or lets it go astray. The lock is held.
func (h *diskHandle) write(b []byte, offset int64) {
	if len(b) == 0 {
		return
	}
	f, end := h.file, offset+int64(len(b))
	h.disk.used += max(0, end-f.now.size)
	name, at, astray := h.disk.misdirected(Op{Kind: OpWrite, Name: h.name, Offset: offset, Length: len(b)})
	if !astray {
		f.write(b, offset)
		return
	}
	if end > f.now.size {
		f.resize(end)
	}
	if other := h.disk.names[name]; other != nil && at < other.now.size {
		other.write(b[:min(int64(len(b)), other.now.size-at)], at)
	}
}

func (h *diskHandle) Size() (int64, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.begin(OpSize, 0, 0); err != nil {
		return 0, err
	}
	return h.file.now.size, nil
}

func (h *diskHandle) Truncate(size int64) error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.begin(OpTruncate, size, 0); err != nil {
		return err
	}
	f := h.file
	if size-f.now.size > h.disk.room() {
		return fmt.Errorf("%w: %s", ErrFull, h.name)
	}
	f.resize(size)
	h.disk.account()
	return nil
}

func (h *diskHandle) Sync() error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := h.begin(OpSync, 0, 0); err != nil {
		h.fail()
		return err
	}
	if !h.disk.lies(Op{Kind: OpSync, Name: h.name}) {
		h.file.sync()
	}
	return nil
}

// fail does what a failed sync does. The lock is held.
func (h *diskHandle) fail() {
	if h.closed || h.life != h.disk.life {
		return
	}
	h.file.lose()
	if h.disk.faults.Forget {
		h.file.forget()
		h.disk.account()
	}
}

func (h *diskHandle) Close() error {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if h.closed {
		return nil
	}
	h.closed = true
	if h.life != h.disk.life {
		return nil
	}
	if h.disk.open[h.file]--; h.disk.open[h.file] == 0 {
		delete(h.disk.open, h.file)
		h.disk.account()
	}
	return nil
}
