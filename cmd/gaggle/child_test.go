//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// beCommand, in the environment, makes the test binary the command.
const beCommand = "GAGGLE_TEST_IS_THE_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(beCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// transcript is what a process has written so far, by lines. It counts the values of the
// form "giver:…" by giver.
type transcript struct {
	mu      sync.Mutex
	lines   []string
	events  []event // of those lines that are events
	given   map[string]int
	ended   bool
	changed chan struct{}
}

// keep reads all that a process writes. If strict, each line has to be an event.
func (s *transcript) keep(t *testing.T, r io.Reader, strict bool) {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			break // what a killed process has not finished is no line
		}
		e, bad := parseEvent(line)
		if bad != nil && strict {
			t.Error(bad)
		}
		s.change(func() {
			s.lines = append(s.lines, line)
			if bad == nil {
				s.events = append(s.events, e)
				giver, _, _ := strings.Cut(e.Value, ":")
				s.given[giver]++
			}
		})
	}
	s.change(func() { s.ended = true })
}

func (s *transcript) change(edit func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edit()
	close(s.changed)
	s.changed = make(chan struct{})
}

// all returns the lines and the events so far.
func (s *transcript) all() (lines []string, events []event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.lines), slices.Clip(s.events)
}

// givenBy returns how many values of a giver there are so far.
func (s *transcript) givenBy(giver string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.given[giver]
}

// state returns whether the transcript has ended, and a channel that is closed when
// there is more.
func (s *transcript) state() (ended bool, changed chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended, s.changed
}

// child is a process that runs the command.
type child struct {
	t         *testing.T
	name      string
	cmd       *exec.Cmd
	in        io.WriteCloser
	out, errs transcript
	// ended is closed when the process has ended and all it wrote was read.
	ended chan struct{}
}

// start starts a process. Its output is read as events if it is told to write those.
func start(t *testing.T, name string, args ...string) *child {
	t.Helper()
	c := prepare(t, name, args...)
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.begin(out, slices.Contains(args, "--json"))
	return c
}

func prepare(t *testing.T, name string, args ...string) *child {
	t.Helper()
	c := &child{t: t, name: name, cmd: exec.Command(os.Args[0], args...), ended: make(chan struct{})} //nolint:gosec // the test itself
	for _, s := range []*transcript{&c.out, &c.errs} {
		s.changed, s.given = make(chan struct{}), map[string]int{}
	}
	// The race detector would have every process wait a second before it ends.
	c.cmd.Env = append(os.Environ(), beCommand+"=yes", "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	in, err := c.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.in = in
	return c
}

// begin starts a prepared process and reads what it writes.
func (c *child) begin(out io.Reader, strict bool) {
	c.t.Helper()
	errs, err := c.cmd.StderrPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	var readers sync.WaitGroup
	readers.Go(func() { c.out.keep(c.t, out, strict) })
	readers.Go(func() { c.errs.keep(c.t, errs, false) })
	go func() {
		readers.Wait()
		_ = c.cmd.Wait() // the state says what there is to know
		close(c.ended)
	}()
	c.t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // it may have ended
		<-c.ended
		if lines, _ := c.errs.all(); c.t.Failed() || strings.Contains(strings.Join(lines, ""), "goroutine ") {
			c.t.Errorf("%s (%v) said:\n%s", c.name, c.cmd.ProcessState, strings.Join(lines, ""))
		}
	})
}

// say gives the process lines of input.
func (c *child) say(lines ...string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, strings.Join(lines, "\n")+"\n"); err != nil {
		c.t.Fatalf("%s: %v", c.name, err)
	}
}

// signal sends the process a signal.
func (c *child) signal(s syscall.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.t.Fatalf("%s: %v: %v", c.name, s, err)
	}
}

// pause returns when the process has stopped running.
func (c *child) pause() {
	c.t.Helper()
	c.signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(c.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || !status.Stopped() {
			c.t.Fatalf("%s does not pause: %v, status %#x", c.name, err, status)
		}
		return
	}
}

// await waits until a transcript is as it should be.
func (c *child) await(s *transcript, what string, ok func() bool) {
	c.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		ended, changed := s.state()
		if ok() {
			return
		}
		lines, _ := s.all()
		if ended {
			c.t.Fatalf("%s ended without %s; it wrote %d lines, the last of them %q", c.name, what, len(lines), lines[max(0, len(lines)-3):])
		}
		select {
		case <-changed:
		case <-deadline.C:
			c.t.Fatalf("%s waited in vain for %s; it wrote %d lines, the last of them %q", c.name, what, len(lines), lines[max(0, len(lines)-3):])
		}
	}
}

// awaitLine waits for a line with a text, and returns it.
func (c *child) awaitLine(s *transcript, text string) (line string) {
	c.t.Helper()
	c.await(s, fmt.Sprintf("a line with %q", text), func() bool {
		lines, _ := s.all()
		i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, text) })
		if i >= 0 {
			line = lines[i]
		}
		return i >= 0
	})
	return line
}

// awaitCommitted waits until the process has shown that values are committed.
func (c *child) awaitCommitted(values ...string) {
	c.t.Helper()
	for _, value := range values {
		c.await(&c.out, fmt.Sprintf("%q committed", value), func() bool {
			_, events := c.out.all()
			return slices.ContainsFunc(events, func(e event) bool { return e.Value == value })
		})
	}
}

// status asks the process how it stands, with a signal.
func (c *child) status() (answer event) {
	c.t.Helper()
	_, before := c.errs.all()
	c.signal(syscall.SIGUSR1)
	c.await(&c.errs, "a status", func() bool {
		_, events := c.errs.all()
		if len(events) > len(before) {
			answer = events[len(before)]
		}
		return len(events) > len(before)
	})
	return answer
}

// awaitStatus asks the process how it stands until it stands as it should.
func (c *child) awaitStatus(what string, ok func(event) bool) event {
	c.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		s := c.status()
		if ok(s) {
			return s
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s waited in vain for %s; its status is %+v", c.name, what, s)
		}
	}
}

// awaitExit waits until the process has ended, and checks its exit code.
func (c *child) awaitExit(code int) {
	c.t.Helper()
	select {
	case <-c.ended:
		if got := c.cmd.ProcessState.ExitCode(); got != code {
			c.t.Errorf("%s ended with %v, want exit code %d", c.name, c.cmd.ProcessState, code)
		}
	case <-time.After(patience):
		c.t.Fatalf("%s does not end", c.name)
	}
}

// log is what the process has shown to be committed.
func (c *child) log() []place {
	_, events := c.out.all()
	var log []place
	for _, e := range events {
		log = append(log, place{e.Index, e.Term, e.Value})
	}
	return log
}

// meetingPlace is a URL with addresses that were free a moment ago: several, as somebody
// else may take one.
func meetingPlace(t *testing.T) string {
	t.Helper()
	var places []string
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		places = append(places, l.Addr().String())
	}
	return "tcp://" + strings.Join(places, ",")
}

// nodeOf starts one node of this test's cluster.
func nodeOf(t *testing.T, url, id string, size int, more ...string) *child {
	t.Helper()
	return start(t, id, append([]string{"join", url, "--name", t.Name(), "--id", id, "--size", fmt.Sprint(size), "--json"}, more...)...)
}

// startCluster starts a cluster.
func startCluster(t *testing.T, size int) (url string, nodes []*child) {
	t.Helper()
	url = meetingPlace(t)
	for i := range size {
		nodes = append(nodes, nodeOf(t, url, fmt.Sprintf("n%d", i+1), size))
	}
	return url, nodes
}
