package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle"
)

// numbers are lines from 1 to n.
func numbers(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = strconv.Itoa(i + 1)
	}
	return lines
}

// checkDemo checks everything that the demo promises of a run on some lines. It returns
// the summary.
func checkDemo(t *testing.T, events []event, nodes int, killed bool, lines []string) event {
	t.Helper()
	logs := committed(events)
	left := nodes
	terms := map[uint64]string{}
	for i, e := range events {
		switch e.Event {
		case "leader":
			if other, ok := terms[e.Term]; ok {
				t.Errorf("%s and %s were both shown to lead term %d", other, e.Node, e.Term)
			}
			terms[e.Term] = e.Node
		case "stopped":
			left--
			checkStopped(t, e.Node, logs)
			delete(logs, e.Node)
		case "summary":
			if i != len(events)-1 {
				t.Errorf("event %d of %d is the summary", i+1, len(events))
			}
		}
	}
	if killed != (left == nodes-1) || !killed && left != nodes {
		t.Errorf("%d nodes of %d were not stopped", left, nodes)
	}
	var names []string
	for node, log := range logs {
		names = append(names, node)
		checkLog(t, node, log, lines)
		if reference := logs[names[0]]; !slices.Equal(log, reference) {
			t.Errorf("%s committed %.300v, %s %.300v", node, log, names[0], reference)
		}
	}
	if len(names) != left {
		t.Errorf("%v showed what they committed, want %d nodes", names, left)
	}
	s := events[len(events)-1]
	if s.Event != "summary" || s.Nodes != left || s.Entries != len(lines) || !s.Identical || s.Elections != len(terms) || s.Seconds <= 0 {
		t.Errorf("the summary is %+v after %d elections, want %d nodes with %d entries", s, len(terms), left, len(lines))
	}
	return s
}

// checkStopped checks that what a stopped node had committed is the beginning of what
// the others did.
func checkStopped(t *testing.T, node string, logs map[string][]place) {
	t.Helper()
	had := logs[node]
	for other, log := range logs {
		if len(log) < len(had) || !slices.Equal(log[:len(had)], had) {
			t.Errorf("%s had committed %.300v before it was stopped, %s then committed %.300v", node, had, other, log)
		}
	}
}

func TestTheDemoAppendsItsOwnWordsWhenThereIsNoInput(t *testing.T) {
	o := runDemo(t, "")
	if o.code != 0 || o.errs != "" {
		t.Fatalf("exit code %d: %s", o.code, o.errs)
	}
	printed := strings.Split(strings.TrimSuffix(o.out, "\n"), "\n")
	if want := "3 nodes with the same entries in the same order, each line once: 5 entries, 1 election, "; !strings.HasPrefix(printed[len(printed)-1], want) {
		t.Errorf("the last line is %q, want %q…", printed[len(printed)-1], want)
	}
	for _, node := range []string{"node-1", "node-2", "node-3"} {
		var words []string
		for _, line := range printed {
			if f := strings.Fields(line); f[0] == node && f[1] != "leads" {
				words = append(words, f[len(f)-1])
			}
		}
		if got := strings.Join(words, " "); got != "mary had a little lamb" {
			t.Errorf("%s shows %q:\n%s", node, got, o.out)
		}
	}
}

func TestEachLineOfTheInputIsCommittedOnceOnEveryNode(t *testing.T) {
	inputs := map[string]struct {
		in    string
		lines []string
	}{
		"one line":              {"x\n", []string{"x"}},
		"equal lines":           {"a\na\nb\na\n", []string{"a", "a", "b", "a"}},
		"empty lines":           {"\n\nx\n\n", []string{"", "", "x", ""}},
		"one empty line":        {"\n", []string{""}},
		"no newline at the end": {"x\ny", []string{"x", "y"}},
		"quotes and angles":     {"\"<&>\\\n \n☃\u2028\n", []string{"\"<&>\\", " ", "☃\u2028"}},
	}
	for name, input := range inputs {
		for _, nodes := range []int{1, 3, 5} {
			t.Run(fmt.Sprintf("%s, %d nodes", name, nodes), func(t *testing.T) {
				t.Parallel()
				o := runDemo(t, input.in, "--json", "--nodes", strconv.Itoa(nodes))
				s := checkDemo(t, o.events(t), nodes, false, input.lines)
				if s.Elections != 1 {
					t.Errorf("there were %d elections although nothing failed", s.Elections)
				}
			})
		}
	}
}

func TestMoreLinesThanAreUnderWayAtOnceAreCommitted(t *testing.T) {
	t.Parallel()
	lines := numbers(demoWindow + 100)
	o := runDemo(t, strings.Join(lines, "\n"), "--json")
	checkDemo(t, o.events(t), 3, false, lines)
}

func TestTheDemoRunsOverTCP(t *testing.T) {
	for _, nodes := range []int{1, 3, 5} {
		t.Run(fmt.Sprint(nodes), func(t *testing.T) {
			t.Parallel()
			lines := numbers(200)
			o := runDemo(t, strings.Join(lines, "\n"), "--json", "--channel", "tcp", "--nodes", strconv.Itoa(nodes))
			checkDemo(t, o.events(t), nodes, false, lines)
		})
	}
}

func TestTheDemoGoesOnWithoutItsLeader(t *testing.T) {
	for _, channel := range []string{"memory", "tcp"} {
		for _, run := range []struct{ nodes, lines int }{
			{3, 1}, {3, 7}, {3, 2*demoWindow + 2}, // the last has more than one window before and after
			{4, 100}, {5, 300},
		} {
			t.Run(fmt.Sprintf("%s, %d nodes, %d lines", channel, run.nodes, run.lines), func(t *testing.T) {
				t.Parallel()
				lines := numbers(run.lines)
				o := runDemo(t, strings.Join(lines, "\n"), "--kill-leader", "--json", "--channel", channel, "--nodes", strconv.Itoa(run.nodes))
				events := o.events(t)
				if s := checkDemo(t, events, run.nodes, true, lines); s.Elections < 2 {
					t.Errorf("there were %d elections, want one more than at the start", s.Elections)
				}
				checkSuccession(t, events, channel == "memory")
			})
		}
	}
}

// checkSuccession checks that the node that was stopped had been shown as a leader, and that
// another node was elected after that: where all are punctual after the stop, else perhaps before
// it, as a leader that was held up has not heard of it.
func checkSuccession(t *testing.T, events []event, punctual bool) {
	t.Helper()
	led, last := map[string]uint64{}, event{}
	for _, e := range events {
		switch e.Event {
		case "leader":
			led[e.Node] = max(led[e.Node], e.Term)
			if e.Term > last.Term {
				last = e
			}
		case "stopped":
			if led[e.Node] == 0 || punctual && e.Node != last.Node {
				t.Errorf("%s was stopped when only %v had led", e.Node, led)
			}
			defer func() {
				if last.Node == e.Node {
					t.Errorf("%s was stopped, and the last leader is %+v", e.Node, last)
				}
			}()
		}
	}
}

// startDemo starts the nodes of a demo on the memory channel.
func startDemo(t *testing.T, nodes int) *demoRun {
	t.Helper()
	d := &demoRun{
		options:   demoOptions{nodes: nodes, channel: "memory"},
		window:    demoWindow,
		out:       newOutput(io.Discard, true),
		elections: map[gaggle.Term]bool{},
	}
	t.Cleanup(d.close)
	if err := d.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheLeaderIsStoppedWithoutAWordToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := startDemo(t, 3)
		began := time.Now()
		if err := d.killLeader(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, n := range d.alive() {
			if err := n.Read(t.Context()); err != nil { // which takes a new leader
				t.Fatal(err)
			}
		}
		// A leader that says goodbye is replaced at once.
		if took := time.Since(began); took < gaggle.Local().ElectionMin {
			t.Errorf("there was a new leader after %v: the old one handed over", took)
		}
	})
}

func TestEveryNodeIsGivenLines(t *testing.T) {
	for i := range 3 {
		synctest.Test(t, func(t *testing.T) {
			d := startDemo(t, 3)
			closed := d.nodes[i]
			if err := closed.Close(); err != nil {
				t.Fatal(err)
			}
			// One in 10^35 times, no line of them is for the node that is closed.
			if _, err := d.append(t.Context(), make([]demoLine, 200), nil); !errors.Is(err, gaggle.ErrClosed) {
				t.Errorf("%s was given no line: %v", closed.name, err)
			}
		})
	}
}

func TestOfTheLinesWhoseOutcomeIsNotKnownThoseThatAreLostAreAppended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := startDemo(t, 3)
		values := []string{"x", "y", "x", "z"}
		there, lost := []demoLine{{0, "x"}, {3, "z"}}, []demoLine{{1, "y"}, {2, "x"}}
		if _, err := d.append(t.Context(), there, nil); err != nil {
			t.Fatal(err)
		}
		if err := d.appendLost(t.Context(), append(lost, there...)); err != nil {
			t.Fatal(err)
		}
		log, err := d.log(t.Context(), d.nodes[2])
		if err != nil {
			t.Fatal(err)
		}
		if err := judge([]demoLog{log}, values); err != nil {
			t.Error(err)
		}
	})
}

func TestTheLeaderThatIsToBeStoppedIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := startDemo(t, 3)
		for _, n := range d.nodes {
			n.plug.pull()
		}
		leads := func(n *demoNode) bool { return n.Status().Leader == n.ID() }
		for slices.ContainsFunc(d.nodes, leads) {
			time.Sleep(time.Millisecond) // until the leader notices that nobody answers
		}
		killed := make(chan error, 1)
		go func() { killed <- d.killLeader(t.Context()) }()
		synctest.Wait()
		select {
		case err := <-killed:
			t.Fatalf("there was no leader to stop, and it returned %v", err)
		default:
		}
		for _, n := range d.nodes {
			n.plug.pulled.Store(false)
		}
		if err := <-killed; err != nil || len(d.alive()) != 2 {
			t.Errorf("%v, and %d nodes are left", err, len(d.alive()))
		}
	})
}

// writes keeps what each call wrote.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

func TestTheDemoShowsWhatIsCommittedBeforeItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w writes
		if err := demo(t.Context(), demoOptions{nodes: 3, channel: "memory", json: true}, strings.NewReader("x\ny\n"), &w); err != nil {
			t.Fatal(err)
		}
		last := w[len(w)-1]
		if !strings.Contains(last, "summary") || strings.Contains(last, "committed") {
			t.Errorf("the last write is %q, want the summary alone", last)
		}
	})
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestAnOutputThatCannotBeWrittenFailsTheDemo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := demo(t.Context(), demoOptions{nodes: 1, channel: "memory"}, strings.NewReader("x\n"), brokenWriter{})
		if err == nil || err.Error() != "the disk is full" {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestAnInterruptEndsADemoThatWaitsForInput(t *testing.T) {
	in, _ := io.Pipe()
	defer in.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if o := runCommand(ctx, in, "demo"); o.code != 130 || o.out+o.errs != "" {
		t.Errorf("%+v, want exit code 130 and silence", o)
	}
}
