//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestThreeEqualCommandsAreACluster(t *testing.T) {
	t.Parallel()
	url := meetingPlace(t)
	var nodes []*child
	for i := range 3 {
		nodes = append(nodes, start(t, fmt.Sprint(i), "join", url, "--size", "3", "--name", t.Name()))
	}
	for i, c := range nodes {
		c.say(fmt.Sprintf("typed into %d", i), "", "caf\xe9") // the last is no UTF-8
	}
	// Who printed a line comes first in it, so that is left out.
	printed := make([][]string, 3)
	for i, c := range nodes {
		c.await(&c.out, "9 lines", func() bool {
			lines, _ := c.out.all()
			return len(lines) >= 9
		})
		lines, _ := c.out.all()
		for _, line := range lines {
			_, entry, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			printed[i] = append(printed[i], entry)
		}
		if !slices.Equal(printed[i], printed[0]) {
			t.Errorf("one prints\n%s\nanother\n%s", strings.Join(printed[0], "\n"), strings.Join(printed[i], "\n"))
		}
	}
	for suffix, times := range map[string]int{"  typed into 0": 1, "  typed into 1": 1, "  typed into 2": 1, "  caf\xe9": 3} {
		n := 0
		for _, line := range printed[0] {
			if strings.HasSuffix(line, suffix) {
				n++
			}
		}
		if n != times {
			t.Errorf("%q is printed %d times, want %d: %q", suffix, n, times, printed[0])
		}
	}
}

func TestANodeStaysAtTheEndOfItsInputUntilItIsInterrupted(t *testing.T) {
	t.Parallel()
	_, nodes := startCluster(t, 3)
	for _, c := range nodes[:2] {
		if err := c.in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	nodes[2].say("x", "y")
	for _, c := range nodes {
		c.awaitCommitted("x", "y")
	}
	// Interrupted one by one; what is left has a majority until the last two.
	nodes[0].signal(syscall.SIGINT)
	nodes[0].awaitExit(0)
	nodes[2].say("z")
	nodes[1].awaitCommitted("z")
	nodes[2].awaitCommitted("z")
	nodes[1].signal(syscall.SIGTERM)
	nodes[1].awaitExit(0)
	nodes[2].signal(syscall.SIGINT)
	nodes[2].awaitExit(0)
	for _, c := range nodes {
		if lines, _ := c.errs.all(); strings.Contains(strings.Join(lines, ""), "gaggle:") {
			t.Errorf("%s complains: %q", c.name, lines)
		}
	}
}

func TestANodeLeavesWithExitWhenItsLinesAreCommitted(t *testing.T) {
	t.Parallel()
	url := meetingPlace(t)
	stays, helps := nodeOf(t, url, "n1", 3), nodeOf(t, url, "n2", 3)
	leaves := nodeOf(t, url, "n3", 3, "--exit")
	leaves.say("x", "y", "x")
	_ = leaves.in.Close()
	leaves.awaitExit(0)
	checkLog(t, "n3", leaves.log(), []string{"x", "y", "x"})

	stays.say("z")
	for _, c := range []*child{stays, helps} {
		c.awaitCommitted("z")
		checkLog(t, c.name, c.log(), []string{"x", "y", "x", "z"})
	}
}

func TestANodeWithoutLinesLeavesWithExitAtOnce(t *testing.T) {
	t.Parallel()
	c := nodeOf(t, meetingPlace(t), "n1", 3, "--exit")
	_ = c.in.Close()
	c.awaitExit(0)
	checkLog(t, "n1", c.log(), nil)
}

func TestAStatusIsShownOnRequest(t *testing.T) {
	t.Parallel()
	url := meetingPlace(t)
	first := nodeOf(t, url, "n1", 3)
	first.awaitLine(&first.errs, "cannot connect") // it runs, then, and minds signals
	s := first.awaitStatus("what it waits for", func(s event) bool { return s.Waiting != "" })
	if s.State != "founding" || s.Role != "" || !strings.HasPrefix(s.Node, "n1#") || len(s.Members) != 0 || s.Leader != "" {
		t.Errorf("a node alone has the status %+v", s)
	}
	second, third := nodeOf(t, url, "n2", 3), nodeOf(t, url, "n3", 3)
	first.say("x")
	for _, c := range []*child{first, second, third} {
		c.awaitCommitted("x")
		x := c.log()[0]
		// One that it showed unasked, before x, may be read after x.
		s := c.awaitStatus("a leader and x", func(s event) bool { return s.Leader != "" && s.Applied >= x.index })
		role := "follower"
		if s.Leader == s.Node {
			role = "leader"
		}
		if s.State != "member" || s.Role != role || s.Term < x.term || s.Commit < x.index {
			t.Errorf("a %s has the status %+v after %+v", role, s, x)
		}
		if len(s.Members) != 3 || !slices.Contains(s.Members, s.Node) || !slices.Contains(s.Members, s.Leader) {
			t.Errorf("%s: the members are %v", s.Node, s.Members)
		}
	}
}

func TestAStatusInWordsIsShownEverySecond(t *testing.T) {
	t.Parallel()
	c := start(t, "n1", "join", meetingPlace(t), "--size", "1", "--name", t.Name(), "--id", "n1", "--status")
	c.say("x")
	for _, words := range []string{"n1#", ": member, leader in term ", ", commit ", ", members [n1#"} {
		c.awaitLine(&c.errs, words)
	}
	c.await(&c.errs, "the same status again", func() bool {
		lines, _ := c.errs.all()
		return len(lines) > 2 && lines[len(lines)-1] == lines[len(lines)-2]
	})
}

func TestANodeSaysUnaskedHowItStands(t *testing.T) {
	t.Parallel()
	url := meetingPlace(t)
	begin := func(name string) *child {
		return start(t, name, "join", url, "--size", "3", "--name", t.Name(), "--id", name)
	}
	first := begin("n1")
	first.awaitLine(&first.errs, ": listens on 127.0.0.1:")
	first.awaitLine(&first.errs, ": founding, waiting for 2 more nodes")
	second, third := begin("n2"), begin("n3")
	for _, c := range []*child{first, second, third} {
		c.awaitLine(&c.errs, ": member, ")
		c.awaitLine(&c.errs, `leader "n`)
	}
	fourth := begin("n4")
	fourth.awaitLine(&fourth.errs, ": standby, ")
	for _, c := range []*child{second, third} {
		c.signal(syscall.SIGKILL)
	}
	first.awaitLine(&first.errs, "no leader, so nothing is committed until 2 of the 3 meet")
	// By now the fourth has heard the names of all.
	if lines, _ := fourth.errs.all(); strings.Count(strings.Join(lines, ""), ": standby, ") != 1 {
		t.Errorf("the standby says %q", lines)
	}
}

func TestAFourthNodeIsAStandbyAndTakesNoLines(t *testing.T) {
	t.Parallel()
	url, nodes := startCluster(t, 3)
	nodes[0].say("x")
	nodes[0].awaitCommitted("x")
	fourth := nodeOf(t, url, "n4", 3, "--status")
	var s event
	fourth.await(&fourth.errs, "the status of a standby", func() bool {
		_, events := fourth.errs.all()
		i := slices.IndexFunc(events, func(e event) bool { return e.State == "standby" })
		if i >= 0 {
			s = events[i]
		}
		return i >= 0
	})
	for _, name := range []string{"n1", "n2", "n3"} {
		if !strings.Contains(s.Waiting, name) {
			t.Errorf("the standby waits for %q, want a place in the cluster of n1, n2, n3", s.Waiting)
		}
	}
	fourth.say("y")
	fourth.awaitExit(1)
	if line := fourth.awaitLine(&fourth.errs, "gaggle: "); !strings.Contains(line, "standby") {
		t.Errorf("it ends with %q", line)
	}

	// One that was given a line before it knew.
	fifth := nodeOf(t, url, "n5", 3)
	fifth.say("z")
	fifth.awaitExit(1)
	if line := fifth.awaitLine(&fifth.errs, "gaggle: "); !strings.Contains(line, "standby") {
		t.Errorf("it ends with %q", line)
	}
}

func TestNodesOfDifferentSizesSaySo(t *testing.T) {
	t.Parallel()
	url := meetingPlace(t)
	three, five := nodeOf(t, url, "n3", 3), nodeOf(t, url, "n5", 5)
	for c, words := range map[*child]string{
		three: "is for a cluster of 5, this node for one of 3",
		five:  "is for a cluster of 3, this node for one of 5",
	} {
		if line := c.awaitLine(&c.errs, words); !strings.HasPrefix(line, "{") {
			t.Errorf("%s: with --json the line is %q", c.name, line)
		}
		c.awaitStatus("the problem", func(s event) bool { return strings.Contains(s.Problem, words) })
	}
}

func TestTwoClustersOfDifferentNamesDoNotMix(t *testing.T) {
	t.Parallel()
	url := meetingPlace(t)
	one := start(t, "one", "join", url, "--size", "1", "--name", t.Name()+"-1", "--json")
	two := start(t, "two", "join", url, "--size", "1", "--name", t.Name()+"-2", "--json")
	one.say("x")
	two.say("y")
	one.awaitCommitted("x")
	two.awaitCommitted("y")
	if len(one.log()) != 1 || len(two.log()) != 1 {
		t.Errorf("one has %v, the other %v", one.log(), two.log())
	}
}

func TestALineThatIsTooLongEndsTheProcessAfterThoseBeforeIt(t *testing.T) {
	t.Parallel()
	c := start(t, "n1", "join", meetingPlace(t), "--size", "1", "--name", t.Name(), "--json")
	c.say("x", strings.Repeat("y", maxLine+1))
	c.awaitExit(1)
	c.awaitCommitted("x")
	c.awaitLine(&c.errs, "gaggle: line 2 of the input is longer than 1000000 bytes")
}

func TestAnInterruptBeforeAllLinesAreCommittedIsNoSuccess(t *testing.T) {
	t.Parallel()
	c := nodeOf(t, meetingPlace(t), "n1", 3, "--exit")
	c.say("x")
	c.awaitLine(&c.errs, "cannot connect")
	c.awaitStatus("being alone", func(s event) bool { return s.Waiting != "" })
	c.signal(syscall.SIGINT)
	c.awaitExit(130)
}

// A typist types some lines and says when they were read.
type typist struct {
	lines io.Reader
	read  func()
	rest  io.Reader
}

func (y *typist) Read(p []byte) (int, error) {
	if n, err := y.lines.Read(p); err == nil {
		return n, nil
	}
	y.read() // what was read before has been dealt with
	return y.rest.Read(p)
}

func TestAnInterruptSaysHowManyLinesAreNotKnownToBeCommitted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lines, want string
		args        []string
		code        int
	}{
		{"x\n", "1 line was not known to be committed\n", nil, 130},
		{"x\ny\nz\n", "3 lines were not known to be committed\n", nil, 130},
		{"x\ny\n", "2 lines were not known to be committed\n", []string{"--exit"}, 130},
		{"x\ny\n", `"lines":2}` + "\n", []string{"--json"}, 130},
		{"", "", nil, 0},
		{"", "", []string{"--exit"}, 130},
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		rest, _ := io.Pipe()
		args := append([]string{"join", meetingPlace(t), "--size", "3", "--name", t.Name()}, c.args...)
		o := runCommand(ctx, &typist{strings.NewReader(c.lines), interrupt, rest}, args...)
		if o.code != c.code || !strings.Contains(o.errs, c.want) || c.want == "" && strings.Contains(o.errs, "committed") {
			t.Errorf("%q %v: exit code %d, and %q", c.lines, c.args, o.code, o.errs)
		}
	}
}

func TestAnInterruptAfterAllLinesAreCommittedIsASuccess(t *testing.T) {
	t.Parallel()
	c := nodeOf(t, meetingPlace(t), "n1", 1)
	c.say("x", "y")
	c.awaitCommitted("x", "y")
	c.signal(syscall.SIGINT)
	c.awaitExit(0)
}

func TestAProcessWhoseOutputNobodyReadsEnds(t *testing.T) {
	t.Parallel()
	c := prepare(t, "n1", "join", meetingPlace(t), "--size", "1", "--name", t.Name())
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.cmd.Stdout = w
	c.begin(strings.NewReader(""), false)
	_ = w.Close()
	c.say("x")
	if n, err := r.Read(make([]byte, 100)); n == 0 || err != nil {
		t.Fatalf("read %d bytes, %v", n, err)
	}
	_ = r.Close()
	c.say("y")
	c.awaitExit(-1) // by the signal that says so
}

func TestAnAddressThatIsTakenIsAnErrorIfItHasToBeThatOne(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().String()
	o := runCommand(t.Context(), strings.NewReader(""), "join", "tcp://"+taken, "--size", "1", "--listen", taken)
	if o.code != 1 || !strings.HasPrefix(o.errs, "gaggle: ") || !strings.Contains(o.errs, taken+": bind: address already in use") {
		t.Errorf("exit code %d: %q", o.code, o.errs)
	}
	// Else another one will do.
	o = runCommand(t.Context(), strings.NewReader("x\n"), "join", "tcp://"+taken, "--size", "1", "--exit", "--json")
	if events := o.events(t); len(events) != 1 || events[0].Value != "x" {
		t.Errorf("committed %v", events)
	}
}

func TestWhereElseToListen(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}, true},
		{&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)}, true},
		{&net.OpError{Op: "listen", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}, true},
		{&net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EACCES)}, false},
	} {
		if got := mayBeElsewhere(fmt.Errorf("join: %w", c.err)); got != c.want {
			t.Errorf("after %v it goes on to the next address: %v, want %v", c.err, got, c.want)
		}
	}
}
