package engine

import (
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"

	"github.com/ben-ng/gaggle/backup"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
)

// A read barrier may be reached when nobody makes the backup any more.
func TestABackupThatWasGivenUpKeepsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, n := lonely(t)
		source := n.BackupSource()
		waiting := begun(h, n, source)
		source.Close()
		h.settle()
		h.ch.Heal()
		later, err := n.BeginRead()
		if err != nil {
			t.Fatal(err)
		}
		h.until("a read that began later is served", func() bool {
			done, _ := later.Poll()
			return done
		})
		h.settle()
		if waiting.outline != nil || waiting.reader != nil || len(n.backups.all) > 0 {
			t.Errorf("kept are %+v, and %d", waiting, len(n.backups.all))
		}
	})
}

func TestABackupOutlastsAClusterWithoutALeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, n := lonely(t)
		b := take(n.BackupSource())
		for range 2 * int(backupPatience/n.config.TickInterval) {
			h.tick()
		}
		if b.ended() {
			t.Fatal("it has ended without a leader", b.err)
		}
		h.ch.Heal()
		h.until("it is taken", b.ended)
		if _, err := backup.Verify(&b.file); b.err != nil || err != nil {
			t.Fatal(b.err, err)
		}
	})
}

// A stranger who asks again for what waits is one who still asks.
func TestWhoAsksAgainForAnOutlineIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, n := lonely(t)
		waiting := begun(h, n, n.BackupSource())
		for range 2 * int(backupPatience/n.config.TickInterval) {
			h.tick()
			_ = n.do(func() { n.beginBackup(waiting.backupKey, func(any) {}) })
		}
		if n.backups.find(waiting.backupKey) != waiting {
			t.Error("it was begun anew")
		}
	})
}

func TestAnOutlineThatCameLateIsKeptAsLongAsOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, n := lonely(t)
		late := begun(h, n, n.BackupSource())
		patience := int(backupPatience / n.config.TickInterval)
		for range patience * 3 / 4 {
			h.tick()
		}
		h.ch.Heal()
		h.until("it is outlined", func() bool { return late.outline != nil })
		for range patience / 2 {
			h.tick()
		}
		if n.backups.find(late.backupKey) != late {
			t.Error("it was let go of")
		}
	})
}

func TestANodeThatClosesLetsGoOfTheSnapshotsItReadsForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, n := lonely(t)
		h.ch.Heal()
		b := begun(h, n, n.BackupSource())
		h.until("it is outlined", func() bool { return b.outline != nil })
		info, _ := n.snapshots.Latest()
		_ = n.do(func() { n.beginSending(raft.SendSnapshot{To: "x"}, info) })
		h.settle()
		sent := n.sendings.all["x"]
		if b.reader == nil || sent == nil || sent.reader == nil {
			t.Fatalf("they are not open: %+v, %+v", b, sent)
		}
		_ = n.Close()
		h.nodes[0] = nil
		for what, r := range map[string]*snapshot.Reader{"backup": b.reader, "sending": sent.reader} {
			if _, err := r.ReadRaw(make([]byte, 1), 0); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("the snapshot of the %s is still open: %v", what, err)
			}
		}
	})
}

// lonely is a cluster with a snapshot, and a member of it that hears of nobody.
func lonely(t *testing.T) (*homes, *Node) {
	h := newHomes(t, 3, func(c *Config) { c.CheckpointBytes, c.TailBytes, c.Retain = 600, 64, 20 })
	h.until("one leads", func() bool { return h.leader() != nil })
	n := h.nodes[0]
	h.fill(h.leader(), "its log is compacted", func() bool { return n.core.Status().Base.Index > 0 })
	h.ch.Isolate(n.ID())
	return h, n
}

// begun is a backup of a node of which nobody hears that it has begun.
func begun(h *homes, n *Node, source *BackupSource) *backingUp {
	_ = n.do(func() { n.beginBackup(source.key, func(any) {}) })
	h.settle()
	return n.backups.find(source.key)
}
