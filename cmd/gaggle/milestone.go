package main

import (
	"context"
	"sync"
)

// milestone is a number that only rises, and can be waited for. The zero value is
// ready to use; it is safe for concurrent use.
type milestone struct {
	mu      sync.Mutex
	reached uint64
	changed chan struct{}
}

func (m *milestone) reach(n uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reached = max(m.reached, n)
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

func (m *milestone) wait(ctx context.Context, n uint64) error {
	for {
		m.mu.Lock()
		if m.reached >= n {
			m.mu.Unlock()
			return nil
		}
		if m.changed == nil {
			m.changed = make(chan struct{})
		}
		changed := m.changed
		m.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
