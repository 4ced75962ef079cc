package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wal"
)

func logCommand() *cobra.Command {
	var asJSON, entries bool
	c := &cobra.Command{
		Use:   "log DIR",
		Short: "Look into a node's directory, and check everything in it",
		Long: `Says whose directory it is, the term and vote of the node, which segments its log has and
which snapshots there are, and, with --entries, what is in the log. Every checksum is
verified. It changes nothing, and may be used while the node runs; a write that is under
way then looks like one that was torn.

With --json each line is an object {"event":"directory",…}, {"event":"state",…},
{"event":"segment",…}, {"event":"snapshot",…}, {"event":"entry",…} or {"event":"damage",…}.

The exit status is 0 if everything is whole, and 1 if something is damaged, or cannot be
read. What was torn by a crash was never acknowledged, and is no damage.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("log takes one directory, and got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return showLog(args[0], entries, &logReport{w: cmd.OutOrStdout(), json: asJSON})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON object a line")
	c.Flags().BoolVar(&entries, "entries", false, "write the entries, too")
	return c
}

// The objects that log --json writes.
type (
	directoryFound struct {
		Event   string      `json:"event"`
		Path    string      `json:"path"`
		Node    raft.NodeID `json:"node"`
		Cluster string      `json:"cluster"`
		Size    int         `json:"size"`
		Starts  uint64      `json:"starts"`
	}
	stateFound struct {
		Event    string      `json:"event"`
		Term     raft.Term   `json:"term"`
		VotedFor raft.NodeID `json:"voted_for"`
		First    raft.Index  `json:"first"`
		Last     raft.Index  `json:"last"`
		LastTerm raft.Term   `json:"last_term"`
		Torn     string      `json:"torn,omitempty"`
	}
	segmentFound struct {
		Event string     `json:"event"`
		Name  string     `json:"name"`
		Bytes int64      `json:"bytes"`
		First raft.Index `json:"first"`
		Last  raft.Index `json:"last"`
	}
	snapshotFound struct {
		Event string     `json:"event"`
		Name  string     `json:"name"`
		Bytes int64      `json:"bytes"`
		Index raft.Index `json:"index"`
		Term  raft.Term  `json:"term"`
	}
	entryFound struct {
		Event string     `json:"event"`
		Index raft.Index `json:"index"`
		Term  raft.Term  `json:"term"`
		Type  string     `json:"type"`
		Bytes int        `json:"bytes"`
		Start string     `json:"start"`
	}
	damageFound struct {
		Event string `json:"event"`
		What  string `json:"what"`
	}
)

// logReport writes what was found, in words or as objects.
type logReport struct {
	w       io.Writer
	json    bool
	damages int
	err     error
}

func (r *logReport) say(object any, format string, args ...any) {
	var line []byte
	if r.json {
		line, _ = json.Marshal(object) // nothing in it can fail
	} else {
		line = fmt.Appendf(nil, format, args...)
	}
	if _, err := r.w.Write(append(line, '\n')); r.err == nil {
		r.err = err
	}
}

func (r *logReport) damaged(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	r.damages++
	r.say(damageFound{"damage", what}, "damaged: %s", what)
}

func showLog(path string, entries bool, r *logReport) error {
	if _, err := os.Stat(path); err != nil {
		return err // to open it would make it
	}
	dir, err := vfs.OS(path)
	if err != nil {
		return err
	}
	id, err := wal.ReadIdentity(dir)
	if err != nil {
		return err
	}
	r.say(directoryFound{"directory", dir.Path(), id.Node, id.Cluster, id.Size, id.Starts},
		"%s: node %s of cluster %q of size %d, started %d times", dir.Path(), id.Node, id.Cluster, id.Size, id.Starts)
	metas, err := r.snapshots(dir)
	if err != nil {
		return err
	}
	if err := r.log(dir, wal.Options{Identity: id.Directory, Snapshots: metas, Whole: true}, entries); err != nil {
		return err
	}
	if r.err == nil && r.damages > 0 {
		return fmt.Errorf("%s is damaged in %d places; when the node runs, it asks the others for what it lacks", dir.Path(), r.damages)
	}
	return r.err
}

// snapshots lists and verifies the snapshots.
func (r *logReport) snapshots(dir vfs.Dir) ([]raft.SnapshotMeta, error) {
	usable, unusable, err := snapshot.Inspect(dir)
	if err != nil {
		return nil, err
	}
	var metas []raft.SnapshotMeta
	for _, info := range usable {
		last := info.Meta.Last
		r.say(snapshotFound{"snapshot", info.Name, info.Size, last.Index, last.Term},
			"snapshot %s: %d bytes, at entry %v", info.Name, info.Size, last)
		if err := verifySnapshot(dir, info.Name); err != nil {
			r.damaged("%s: %v", info.Name, err)
			continue
		}
		metas = append(metas, info.Meta)
	}
	for _, damage := range unusable {
		r.damaged("%s: %v", damage.Name, damage.Err)
	}
	return metas, nil
}

func verifySnapshot(dir vfs.Dir, name string) error {
	f, err := dir.Open(name)
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err == nil {
		_, err = snapshot.Verify(io.NewSectionReader(f, 0, size))
	}
	return errors.Join(err, f.Close())
}

// log lists and verifies the log.
func (r *logReport) log(dir vfs.Dir, o wal.Options, entries bool) (err error) {
	found, err := wal.Inspect(dir, o)
	if errors.Is(err, wal.ErrNoLog) {
		return nil // the node has not become a member
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	hard, last := found.Recovered.Saved.HardState, found.Last()
	state := stateFound{"state", hard.Term, hard.VotedFor, found.Base().Index + 1, last.Index, last.Term, ""}
	words := ""
	if cut := found.Recovered.Cut; cut != nil {
		state.Torn = cut.String()
		words = "; at its end is " + state.Torn
	}
	r.say(state, "term %d, voted for %q; the log has entries %d to %v%s", hard.Term, hard.VotedFor, state.First, last, words)
	for _, s := range found.Segments {
		r.say(segmentFound{"segment", s.Name, s.Bytes, s.First, s.Last}, "segment %s: %d bytes, entries %d to %d", s.Name, s.Bytes, s.First, s.Last)
	}
	if found.Recovered.Lost != nil {
		r.damaged("%v", found.Recovered.Lost)
	}
	for _, p := range found.Recovered.Faulty {
		r.damaged("entry %v", p)
	}
	if entries {
		r.entries(found)
	}
	return nil
}

// Sizes in bytes of what is read at a time, and of how much of an entry is shown.
const (
	entriesAtATime = 1 << 20
	shownOfEntry   = 64
)

func (r *logReport) entries(found *wal.Inspection) {
	for at := found.Base().Index + 1; at <= found.Last().Index; {
		run, err := found.Read(at, found.Last().Index, entriesAtATime)
		if err != nil { // it is one of those that are damaged
			at++
			continue
		}
		for i := range run {
			e := &run[i]
			start := string(e.Data[:min(len(e.Data), shownOfEntry)])
			r.say(entryFound{"entry", e.Index, e.Term, e.Type.String(), len(e.Data), start}, "entry %d@%d %s, %d bytes %q", e.Index, e.Term, e.Type, len(e.Data), start)
			at = e.Index + 1
		}
	}
}
