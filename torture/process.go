//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// maxUnsent is how many requests may wait for a process that does not read: more than
// clients have under way.
const maxUnsent = 4096

// A process is one run of a node. It is safe for concurrent use.
type process struct {
	run int // 1 is the node's first
	cmd *exec.Cmd
	// ended is closed when the process has ended and nothing waits for its replies.
	ended chan struct{}

	mu      sync.Mutex
	over    bool // replies do not come any more
	lastID  int64
	turns   int // values it was given
	waiting map[int64]func(reply)
	unsent  chan request
}

// startProcess starts a node's process, which appends what it logs to a file. When it
// listens, a function is told where.
func startProcess(config nodeConfig, run int, log *os.File, listens func(address string)) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{
		run: run, cmd: exec.Command(program, nodeArgument), ended: make(chan struct{}), //nolint:gosec // it is this program
		waiting: map[int64]func(reply){0: func(r reply) { listens(r.Address) }}, unsent: make(chan request, maxUnsent),
	}
	p.cmd.Stderr, p.cmd.SysProcAttr = log, ownGroup()
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.speak(in, config)
	go p.listen(out)
	return p, nil
}

// speak writes requests until there are no more. When the process has ended, they go nowhere.
func (p *process) speak(in io.WriteCloser, config nodeConfig) {
	lines := json.NewEncoder(in)
	err := lines.Encode(config)
	for r := range p.unsent {
		if err == nil {
			err = lines.Encode(r)
		}
	}
	_ = in.Close()
}

// listen hands out replies until there are no more, and waits for the end of the process.
func (p *process) listen(out io.Reader) {
	lines := json.NewDecoder(out)
	for {
		var r reply
		if lines.Decode(&r) != nil {
			break
		}
		p.mu.Lock()
		f := p.waiting[r.ID]
		delete(p.waiting, r.ID)
		p.mu.Unlock()
		if f != nil {
			f(r)
		}
	}
	_ = p.cmd.Process.Kill() // one that writes nonsense is of no more use
	_ = p.cmd.Wait()         // the state says what there is to know
	p.mu.Lock()
	p.over = true
	left := p.waiting
	p.waiting = nil
	close(p.unsent)
	p.mu.Unlock()
	for id, f := range left {
		f(reply{ID: id, Outcome: unknown, Error: "the process ended"})
	}
	close(p.ended)
}

// What keeps a request from being sent. Nothing is done, then.
var (
	errOver = errors.New("the process has ended")
	errSlow = errors.New("too many requests wait for the process")
)

// send sends a request. The reply is handed to a function, once; it is unknown if the
// process ends without giving one. Before it is sent, the request gets its number and, if it
// is an append, its turn, and the function begin is called.
func (p *process) send(r request, begin func(request), then func(reply)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.over:
		return errOver
	case len(p.unsent) == cap(p.unsent):
		return errSlow
	}
	p.lastID++
	r.ID = p.lastID
	if r.Do == doAppend {
		p.turns++
		r.Value.Run, r.Value.Turn = p.run, p.turns
	}
	begin(r)
	p.waiting[r.ID] = then
	p.unsent <- r
	return nil
}

// ask sends a request that changes nothing, and waits for its reply.
func (p *process) ask(r request, within time.Duration) (reply, error) {
	r.WithinMS = within.Milliseconds()
	answer := make(chan reply, 1)
	if err := p.send(r, func(request) {}, func(r reply) { answer <- r }); err != nil {
		return reply{}, err
	}
	// A process that is paused gives no reply, so there is a time limit here, too.
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case a := <-answer:
		if a.Outcome != done {
			return a, fmt.Errorf("%s: %s", r.Do, a.Error)
		}
		return a, nil
	case <-timer.C:
		return reply{}, fmt.Errorf("%s: no answer within %v", r.Do, within)
	}
}

// kill returns when the process has ended.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

func (p *process) signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }
