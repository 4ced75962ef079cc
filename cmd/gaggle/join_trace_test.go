//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/trace"
)

// startsIn counts the starts and the updates in a file, and returns whose it is. A torn end is one.
func startsIn(t *testing.T, path string) (node raft.NodeID, starts, updates int) {
	t.Helper()
	f, err := os.Open(path) //nolint:gosec // the test's own
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := trace.NewReader(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	for {
		step, err := r.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, trace.ErrTorn) {
			return r.Node(), starts, updates
		}
		if err != nil {
			t.Fatalf("%s, after %d updates: %v", path, updates, err)
		}
		if step.Saved != nil {
			starts++
		}
		if step.Update != nil {
			updates++
		}
	}
}

func TestWhatProcessesDidIsTracedThoughOneIsKilledAndFitsTheSpecification(t *testing.T) {
	t.Parallel()
	dir, url := t.TempDir(), meetingPlace(t)
	traced := func(i int) *child {
		id := fmt.Sprintf("n%d", i)
		home := filepath.Join(dir, id)
		return nodeOf(t, url, id, 3, "--dir", home, "--trace", home+".trace")
	}
	nodes := []*child{traced(1), traced(2), traced(3)}
	nodes[0].say("n1:1", "n1:2")
	for _, n := range nodes {
		n.awaitCommitted("n1:1", "n1:2")
	}
	nodes[0].signal(syscall.SIGKILL)
	nodes[0].awaitExit(-1)
	nodes[1].say("n2:1")
	nodes[1].awaitCommitted("n2:1")
	nodes[0] = traced(1)
	nodes[0].awaitCommitted("n1:1", "n1:2", "n2:1")
	files := make([]string, 0, len(nodes))
	for i, n := range nodes {
		files = append(files, filepath.Join(dir, n.name+".trace"))
		n.signal(syscall.SIGINT)
		<-n.ended
		id, starts, updates := startsIn(t, filepath.Join(dir, n.name+".trace"))
		// One that finds that an address is taken starts anew at the next one.
		again := i == 0
		if !strings.HasPrefix(string(id), n.name+"#") || (starts > 1) != again || starts == 0 || updates == 0 {
			t.Errorf("the trace of %s is of %s, with %d starts and %d updates; was it started again: %t", n.name, id, starts, updates, again)
		}
	}
	if o := runCommand(t.Context(), nil, append([]string{"check-trace"}, files...)...); o.code != 0 || !strings.Contains(o.out, "steps of 3 nodes fit") {
		t.Errorf("held against the specification, exit code %d: %s%s", o.code, o.out, o.errs)
	}
	if o := runCommand(t.Context(), nil, append([]string{"check-trace"}, files[1:]...)...); o.code != 1 || !strings.Contains(o.out, "nobody has said what it receives") {
		t.Errorf("without the first, exit code %d: %s%s", o.code, o.out, o.errs)
	}
}
