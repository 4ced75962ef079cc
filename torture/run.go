//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/ben-ng/gaggle"
)

// A torture is one run.
type torture struct {
	settings *settings
	cluster  *cluster
	nemesis  *nemesis
	history  *history
	journal  *journal
	report   report
}

// run does everything, and reports whether something was found. An error is that it could
// not be done.
func run(ctx context.Context, s *settings, out io.Writer) (found bool, err error) {
	random := rand.New(rand.NewPCG(s.seed, 0))
	withFull := s.mounts && slices.Contains(s.kinds, kindFull)
	c, err := newCluster(s.dir, withFull, random)
	defer func() {
		keep := found || err != nil
		err = errors.Join(err, c.close(keep))
		if keep {
			_, _ = fmt.Fprintf(out, "the directories and logs are kept in %s\n", c.dir) // the exit code says it, too
		}
	}()
	if err != nil {
		return false, err
	}
	t := &torture{settings: s, cluster: c, history: newHistory()}
	if t.journal, err = newJournal(filepath.Join(c.dir, "faults.log"), s.verbose, out); err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, t.journal.close()) }()
	t.nemesis = &nemesis{
		kinds: s.kinds, nodes: c.nodes, onMemory: c.onMemory(), network: c.network, random: random,
		note: t.journal.note, taken: map[*node]bool{}, count: map[kind]int{},
	}
	_, _ = fmt.Fprintf(out, "seed %d, %d nodes in %s, %d of them on disks in memory\n", s.seed, clusterSize, c.dir, len(c.onMemory()))
	if !withFull {
		t.nemesis.kinds = slices.DeleteFunc(slices.Clone(s.kinds), func(k kind) bool { return k == kindFull })
		if slices.Contains(s.kinds, kindFull) {
			_, _ = fmt.Fprintln(out, "no disk will be full, as nothing can be mounted here")
		}
	}
	if err := c.start(); err != nil {
		return false, err
	}
	if err := t.suffer(ctx); err != nil {
		return false, err
	}
	t.judge()
	_, err = io.WriteString(out, t.report.text())
	return len(t.report.wrong) > 0, err
}

// suffer has clients work while there are faults, until a process ends by itself; and then, if the
// faults let nothing be done, until something was.
func (t *torture) suffer(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	faulty, end := context.WithTimeout(ctx, t.settings.duration)
	defer end()
	var work sync.WaitGroup
	on := &shelf{}
	for i := range t.settings.clients {
		c := &client{
			number: i, random: rand.New(rand.NewPCG(t.settings.seed, uint64(i)+1)),
			nodes: t.cluster.nodes, history: t.history, shelf: on, heavy: &t.nemesis.heavy,
		}
		work.Go(func() { c.run(ctx) })
	}
	work.Go(func() {
		select {
		case err := <-t.cluster.diedAlone:
			t.report.wrong = append(t.report.wrong, err.Error())
			stop()
		case <-ctx.Done():
		}
	})
	began := time.Now()
	err := t.nemesis.run(faulty)
	patience, end := context.WithTimeout(ctx, settlePatience)
	defer end()
	t.history.awaitBoth(patience)
	stop()
	work.Wait()
	t.report.took = time.Since(began)
	return err
}

// judge compares everything when all faults are over, once as the nodes are, and once more
// when all have been killed.
func (t *torture) judge() {
	r := &t.report
	before, wrong := t.settled()
	if wrong != "" {
		r.wrong = append(r.wrong, wrong)
	}
	t.cluster.kill()
	for _, n := range t.cluster.nodes {
		if err := n.start(); err != nil {
			r.wrong = append(r.wrong, err.Error())
		}
	}
	after, wrong := t.settled()
	if wrong != "" {
		r.wrong = append(r.wrong, "after all were killed: "+wrong)
		after = before
	} else if wrong := compareLogs(before, after, true); wrong != "" {
		r.wrong = append(r.wrong, "before and after all were killed: "+wrong)
	}
	select {
	case err := <-t.cluster.diedAlone:
		r.wrong = append(r.wrong, err.Error())
	default:
	}
	j := &judge{names: t.cluster.names, ops: t.history.all(), log: after}
	r.lists = j.checkAll()
	r.entries, r.ops = len(after), j.ops
	r.wrong = append(r.wrong, j.wrong...)
	r.kinds, r.faults, r.noticed = t.nemesis.kinds, t.nemesis.count, int(t.nemesis.noticed.Load())
	if r.outcomes(false)[done] == 0 || r.outcomes(true)[done] == 0 {
		r.wrong = append(r.wrong, "nothing was appended, or nothing read, so that nothing was tried")
	}
}

// settled waits until the cluster is well, and returns its log.
func (t *torture) settled() (log []logEntry, wrong string) {
	if err := t.cluster.settle(); err != nil {
		return nil, "the cluster does not recover: " + err.Error()
	}
	return t.cluster.agree()
}

// next is the index behind a log.
func next(log []logEntry) gaggle.Index {
	if len(log) == 0 {
		return 1
	}
	return log[len(log)-1].Index + 1
}

// A journal keeps what was done, and when. It is safe for concurrent use.
type journal struct {
	began time.Time
	file  *os.File
	also  io.Writer

	mu  sync.Mutex
	err error
}

func newJournal(name string, verbose bool, out io.Writer) (*journal, error) {
	file, err := os.Create(name) //nolint:gosec // in a directory of ours
	if err != nil {
		return nil, err
	}
	j := &journal{began: time.Now(), file: file, also: io.Discard}
	if verbose {
		j.also = out
	}
	return j, nil
}

func (j *journal) note(format string, args ...any) {
	line := fmt.Sprintf("%8.3f  %s\n", time.Since(j.began).Seconds(), fmt.Sprintf(format, args...))
	j.mu.Lock()
	defer j.mu.Unlock()
	_, err := io.WriteString(io.MultiWriter(j.file, j.also), line)
	j.err = errors.Join(j.err, err)
}

func (j *journal) close() error { return errors.Join(j.err, j.file.Close()) }
