package engine

import "sync"

// lanesRun runs the jobs of each lane in a goroutine, as long as there are any.
type lanesRun struct {
	mu      sync.Mutex
	waiting [lanes][]func()
	running [lanes]bool
	closed  bool
	jobs    sync.WaitGroup
}

// Do runs a job after those of its lane that wait already.
func (l *lanesRun) Do(lane Lane, job func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.waiting[lane] = append(l.waiting[lane], job)
	if !l.running[lane] {
		l.running[lane] = true
		l.jobs.Go(func() { l.run(lane) })
	}
}

func (l *lanesRun) run(lane Lane) {
	for job := l.next(lane); job != nil; job = l.next(lane) {
		job()
	}
}

// next takes the next job of a lane, nil if there is none and its goroutine ends.
func (l *lanesRun) next(lane Lane) func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.waiting[lane]) == 0 {
		l.waiting[lane], l.running[lane] = nil, false
		return nil
	}
	job := l.waiting[lane][0]
	l.waiting[lane][0] = nil
	l.waiting[lane] = l.waiting[lane][1:]
	return job
}

// Close lets jobs that run come to their end, and no more begin.
func (l *lanesRun) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.jobs.Wait()
	return nil
}
