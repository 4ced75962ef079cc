//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ben-ng/gaggle"
)

// A node is a directory, a place in the network, and the processes that live there one after
// the other. It is safe for concurrent use.
type node struct {
	config nodeConfig
	number int
	disk   *memoryDisk // nil if its directory is on a real one
	log    *os.File
	proxy  *proxy
	// diedAlone is told when a process ends that nobody killed, unless it has been told of
	// another already.
	diedAlone chan<- error

	mu      sync.Mutex
	runs    int
	current *process // nil if it was killed
	// condemned: the process is to be killed.
	condemned bool
}

// start starts a process.
func (n *node) start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.runs++
	p, err := startProcess(n.config, n.runs, n.log, n.proxy.leadTo)
	if err != nil {
		return err
	}
	n.current, n.condemned = p, false
	go n.watch(p)
	return nil
}

func (n *node) watch(p *process) {
	<-p.ended
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.current == p && !n.condemned {
		select {
		case n.diedAlone <- fmt.Errorf("%s ended by itself: %v; %s.log has more", n.config.Name, p.cmd.ProcessState, n.config.Name):
		default:
		}
	}
}

// condemn says that the process is about to be killed, and returns it; nil if there is none.
func (n *node) condemn() *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.condemned = true
	return n.current
}

// kill returns when the process has ended, if there is one.
func (n *node) kill() {
	p := n.condemn()
	if p == nil {
		return
	}
	p.kill()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.current = nil
}

// process returns the one that runs, nil if none does.
func (n *node) process() *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.current
}

// signal sends the process a signal, if there is one. That it has ended is for watch to say.
func (n *node) signal(s syscall.Signal) error {
	p := n.process()
	if p == nil {
		return nil
	}
	if err := p.signal(s); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// ask asks the process.
func (n *node) ask(r request, within time.Duration) (reply, error) {
	p := n.process()
	if p == nil {
		return reply{}, errOver
	}
	a, err := p.ask(r, within)
	if err != nil {
		err = fmt.Errorf("%s: %w", n.config.Name, err)
	}
	return a, err
}

// statusPatience is how long a process may take for its status: it has it at hand.
const statusPatience = 300 * time.Millisecond

// leader is the node that the others take for the leader, nil if they know none.
func leader(nodes []*node) *node {
	var latest nodeStatus
	for _, n := range nodes {
		a, err := n.ask(request{Do: doStatus}, statusPatience)
		if err == nil && a.Status.Leader != "" && a.Status.Term > latest.Term {
			latest = *a.Status
		}
	}
	name, _, _ := strings.Cut(latest.Leader, "#")
	for _, n := range nodes {
		if n.config.Name == name {
			return n
		}
	}
	return nil
}

// healthPoll is the time between two questions whether a node is well.
const healthPoll = 20 * time.Millisecond

// awaitHealth returns when the process is a member without a problem. One that it has may take a
// while to be over: a disk that hung has to answer, and a process that is gone to be forgotten.
func (n *node) awaitHealth() error {
	for deadline := time.Now().Add(settlePatience); ; time.Sleep(healthPoll) {
		a, err := n.ask(request{Do: doStatus}, settlePatience)
		if err != nil {
			return err
		}
		if a.Status.State == "member" && a.Status.Problem == "" {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s is a %s, and says: %q", n.config.Name, a.Status.State, a.Status.Problem)
		}
	}
}

// logFrom reads the log from an index on, as far as the node has applied it.
func (n *node) logFrom(from gaggle.Index) ([]logEntry, error) {
	var all []logEntry
	for r := (request{Do: doLog, From: from}); ; {
		a, err := n.ask(r, settlePatience)
		if err != nil || len(a.Entries) == 0 {
			return all, err
		}
		all = append(all, a.Entries...)
		r.From = a.Entries[len(a.Entries)-1].Index + 1
	}
}
