package engine

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wal"
	"github.com/ben-ng/gaggle/wire"
)

// setStorage fills in what the configuration leaves open of where the node keeps what it
// has.
func (c *Config) setStorage() error {
	c.CheckpointBytes = cmp.Or(c.CheckpointBytes, defaultCheckpointBytes)
	c.TailBytes = cmp.Or(c.TailBytes, defaultTailBytes)
	c.SnapshotRate = cmp.Or(c.SnapshotRate, defaultSnapshotRate)
	if c.Home != nil {
		if c.Home.ID() != c.ID {
			return fmt.Errorf("engine: Config.ID is %q, the home is that of %q", c.ID, c.Home.ID())
		}
		if c.Storage == nil {
			c.Storage = newDisk(c.Home)
		}
	} else if c.Storage == nil {
		c.Storage = inMemory{&lanesRun{}}
	}
	return nil
}

// openSnapshots opens the snapshots of the node's cluster: in its home, or in memory.
func (n *Node) openSnapshots(cluster wire.ClusterID) error {
	if n.home == nil {
		var err error
		n.snapshots, err = snapshot.Open(vfs.NewDisk(), cluster)
		return err
	}
	if n.home.snapshots == nil {
		if err := n.home.openSnapshots(cluster); err != nil {
			return err
		}
	}
	n.snapshots = n.home.snapshots
	return nil
}

// newFounder makes a node's part in founding, which goes on from what it has promised.
func newFounder(c *Config) (*founding.Founder, error) {
	if c.Home == nil {
		return founding.New(c.Founding)
	}
	c.Founding.Starts, c.Founding.Nonce = c.Home.Starts(), c.Nonce
	return founding.Restore(c.Founding, c.Home.founding)
}

// comeHome begins where the node was when it stopped.
func (n *Node) comeHome() error {
	h := n.home
	n.feed.older = n.readLog
	if h.Lost != nil {
		n.log.Error("the node begins anew, under another id", slog.Any("error", h.Lost))
		n.found(beganAnew, "", n.failure("join", errors.Join(ErrDamaged, h.Lost),
			"it takes the place of the member that it was when that is replaced; what was in the directory was put aside"))
	}
	for _, err := range h.damaged {
		n.log.Error("a snapshot is damaged: the node begins from the one before it", slog.Any("error", err))
		n.found(snapshotDamaged, "", n.failure("join", errors.Join(ErrDamaged, err), "it is not used; the next checkpoint makes another"))
	}
	if n.founder.State() == founding.Standby {
		n.standBy()
	}
	if h.log == nil {
		return nil
	}
	saved := h.recovered.Saved
	h.recovered.Saved = raft.Saved{} // its entries would stay in memory as long as the node
	for _, p := range h.recovered.Faulty {
		n.mend(p)
	}
	n.mending.impaired = saved.Impaired
	c := n.founder.Charter()
	if err := n.takePart(c.Cluster, saved); err != nil {
		return err
	}
	if cut := h.recovered.Cut; cut != nil {
		n.log.Info("the last write had not come to its end when the node stopped, and was taken back", slog.String("cut", cut.String()))
	}
	if h.recovered.Beheaded {
		n.log.Error("the beginning of the log is damaged: it is as if it had been compacted", slog.String("base", saved.Compacted.String()))
	}
	n.sessions.configure(raft.NewConfiguration(c.Voters, nil))
	n.feed.begin(saved.Compacted.Index+1, saved.Snapshot.Last.Index, skipped{})
	if saved.Snapshot.Last.Index > 0 {
		if err := n.comeBackFromSnapshot(saved.Snapshot); err != nil {
			return err
		}
		n.feed.available = max(saved.Compacted.Index+1, n.feed.skipped.from)
	}
	if n.founder.State() == founding.Member {
		n.setState(Member, "")
	}
	return nil
}

// comeBackFromSnapshot begins with the state in a snapshot.
func (n *Node) comeBackFromSnapshot(meta raft.SnapshotMeta) error {
	for _, info := range n.snapshots.List() {
		if info.Meta.Last != meta.Last {
			continue
		}
		head, state, err := openSnapshot(n.snapshots, info)
		if err != nil {
			return err
		}
		_ = state.Close()
		n.restore(info, head)
		return nil
	}
	return fmt.Errorf("%w: no snapshot at %v is left", ErrIncomplete, meta.Last)
}

// readLog reads the log for the feed, on the goroutine of whoever reads that.
func (n *Node) readLog(first, last raft.Index, maxBytes int) ([]raft.Entry, error) {
	run, err := n.home.log.Read(first, last, maxBytes)
	var (
		compacted *wal.CompactedError
		damaged   *wal.DamagedError
	)
	switch {
	case errors.As(err, &compacted):
		return nil, &CompactedError{From: first, First: compacted.First}
	case errors.As(err, &damaged):
		_ = n.do(func() { n.mend(damaged.Position) })
		return nil, n.failure("entries", fmt.Errorf("%w: %w", ErrDamaged, damaged), "the other nodes are asked for it; try again in a while")
	}
	return run, err
}

// startBits is how much room each start of a directory has for the numbers of reads and calls:
// for years of the most there can be, in each of millions of starts.
const startBits = 40

// numbersFrom is after which number a process numbers its reads and calls. What was said to an
// earlier process of the node may arrive late, and a leader remembers the calls of all of them,
// so no number is used by two. Without a home the node has no earlier process.
func (c *Config) numbersFrom() uint64 {
	if c.Home == nil {
		return 0
	}
	return c.Home.Starts() << startBits
}
