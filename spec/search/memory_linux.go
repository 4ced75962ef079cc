package search

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// allocate is so many numbers, which are 0, and what frees them. They are in pages of the largest
// size there is: a table of gigabytes is looked into at random, and with small ones the
// processor spends most of its time finding out where they are.
func allocate(n int) (numbers []atomic.Uint64, free func() error, err error) {
	bytes := n * int(unsafe.Sizeof(atomic.Uint64{}))
	memory, err := syscall.Mmap(-1, 0, bytes, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, nil, fmt.Errorf("memory for a table of %d bytes: %w", bytes, err)
	}
	_ = syscall.Madvise(memory, syscall.MADV_HUGEPAGE)                                                                        // it is only slower without
	return unsafe.Slice((*atomic.Uint64)(unsafe.Pointer(&memory[0])), n), func() error { return syscall.Munmap(memory) }, nil //nolint:gosec // as long as the memory is
}
