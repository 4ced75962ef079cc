package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle/backup"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wire"
)

// taking is a backup that is being taken, in a goroutine of its own. What it has to show is
// there when it is done; until then only how many bytes were written.
type taking struct {
	file    bytes.Buffer
	info    backup.Info
	err     error
	written atomic.Int64
	done    atomic.Bool
}

func take(source backup.Source) *taking {
	t := &taking{}
	go func() {
		t.info, t.err = backup.Take(context.Background(), source, "test", t)
		t.done.Store(true)
	}()
	return t
}

// Write is part of io.Writer.
func (t *taking) Write(p []byte) (int, error) {
	t.written.Add(int64(len(p)))
	return t.file.Write(p)
}

// ended lets a tick of the bubble's time pass, and reports whether the backup was taken.
func (t *taking) ended() bool {
	time.Sleep(testTick)
	synctest.Wait()
	return t.done.Load()
}

// backUp takes a backup over the channel.
func (h *homes) backUp() *taking {
	h.t.Helper()
	remote, err := backup.Dial(h.ch, "test", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = remote.Close() }()
	b := take(remote)
	h.until("the backup is taken", b.ended)
	if b.err != nil {
		h.t.Fatal(b.err)
	}
	if info, err := backup.Verify(bytes.NewReader(b.file.Bytes())); err != nil || info.Sum != b.info.Sum || info.Size != int64(b.file.Len()) {
		h.t.Fatalf("verified, it is %+v, %v", info, err)
	}
	return b
}

// restored are the homes of a cluster of this size that begins with a backup.
func restored(t *testing.T, file []byte, size int, token string, tune func(*Config)) *homes {
	t.Helper()
	h := emptyHomes(t, size, tune)
	h.births = 1000 // other marks and seeds than those of the cluster that was
	for i := range size {
		if _, err := Restore(h.disks[i], bytes.NewReader(file), restoreConfig(i, size, token)); err != nil {
			t.Fatal(err)
		}
		h.disks[i].Crash(func(int) int { return 0 }) // what is not durable is gone
		h.start(i)
	}
	return h
}

// valuesLeft are those that a node has not compacted.
func valuesLeft(n *Node) []string { return valuesFrom(n, n.feed.available) }

func restoreConfig(i, size int, token string) RestoreConfig {
	c := RestoreConfig{Cluster: "test", Name: string(rune('a' + i)), Token: token, Mark: [16]byte{200, byte(i), byte(size)}, SegmentBytes: 16 << 10}
	for j := range size {
		c.Members = append(c.Members, string(rune('a'+j)))
	}
	return c
}

func TestABackupHasWhatWasAcknowledgedAndANewClusterGoesOnFromThere(t *testing.T) {
	for _, c := range []struct {
		name string
		tune func(*Config)
		// seen is what there is to be seen of the values.
		seen func(n *Node) []string
		// from is the first value that has to be there, and compacted whether some are not.
		from      int
		compacted bool
	}{
		{"a plain log", nil, values, 0, false},
		{"a plain log that is retained in part", func(c *Config) { c.CheckpointBytes, c.TailBytes, c.Retain = 600, 64, 20 }, valuesLeft, 185, true},
		{"a state machine", func(c *Config) { c.CheckpointBytes, c.TailBytes, c.Machine = 600, 64, &oddList{} }, func(n *Node) []string {
			return slices.Clone(oddOf(n).list())
		}, 0, true},
		{"a state machine without a snapshot", func(c *Config) { c.Machine = &oddList{} }, func(n *Node) []string { return slices.Clone(oddOf(n).list()) }, 0, false},
	} {
		for _, size := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s to %d nodes", c.name, size), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := newHomes(t, 3, c.tune)
					h.until("one leads", func() bool { return h.leader() != nil })
					var want []string
					for i := range 200 {
						want = append(want, fmt.Sprint("value ", i))
						h.append(h.nodes[i%3], want[i])
					}
					b := h.backUp()
					if (b.info.Base.Index > 0) != c.compacted || (b.info.SnapshotSize > 0) != c.compacted {
						t.Fatalf("it is %+v", b.info)
					}
					h.append(h.nodes[0], "behind it")
					again := restored(t, b.file.Bytes(), size, "", c.tune)
					again.until("one leads", func() bool { return again.leader() != nil })
					more := fmt.Sprint("value ", len(want))
					again.append(again.nodes[0], more)
					for _, n := range again.nodes {
						again.until("it has everything, once", func() bool {
							got := c.seen(n)
							return len(got) > 0 && got[len(got)-1] == more
						})
						all := append(slices.Clone(want), more)
						got := c.seen(n)
						if len(got) > len(all) || len(got) < len(all)-c.from || !slices.Equal(got, all[len(all)-len(got):]) {
							t.Errorf("%s has %d values of %d, %q …", n.ID(), len(got), len(all), got[:1])
						}
						if m := n.core.Status().Configuration.Members(); len(m) != size || h.leader().core.Status().Configuration.Member(m[0]) {
							t.Errorf("the members are %v", m)
						}
					}
					for i := range again.nodes {
						again.crash(i)
						again.start(i)
					}
					again.until("one leads after a power loss", func() bool { return again.leader() != nil })
				})
			})
		}
	}
}

func TestNodesWithoutADiskGiveBackups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, leader, follower := leads(t, 3)
		var want []string
		for i := range 3000 { // of several parts
			want = append(want, fmt.Sprint("value ", i, strings.Repeat(".", 1000)))
			propose(t, leader, want[i])
			f.settle()
		}
		b := take(follower.BackupSource())
		f.until("the backup is taken", b.ended)
		if b.err != nil {
			t.Fatal(b.err)
		}
		again := restored(t, b.file.Bytes(), 1, "", nil)
		again.until("it leads", func() bool { return again.leader() != nil })
		got := values(again.nodes[0])
		if n := len(got) - len(want); n < 0 || !slices.Equal(got[n:], want) {
			t.Errorf("it has %d values, want %d", len(got), len(want))
		}
	})
}

func TestABackupWaitsUntilWhatIsDamagedIsMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHomes(t, 3, func(c *Config) { c.TailBytes = 64 })
		h.until("one leads", func() bool { return h.leader() != nil })
		want := h.appendMany(h.nodes[0], 200)
		h.agree()
		n := h.nodes[1]
		if h.rot(1, want[10]) == 0 || n.core.Entries(15, 15, 1) != nil {
			t.Fatal("it is not where it is thought to be")
		}
		b := take(h.nodes[1].BackupSource())
		h.until("the backup is taken", b.ended)
		if _, err := backup.Verify(&b.file); err != nil || b.err != nil {
			t.Fatal(err, b.err)
		}
	})
}

func TestWhatABackupNeedsIsNotCompactedWhileItIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHomes(t, 1, func(c *Config) {
			c.CheckpointBytes, c.TailBytes, c.Retain = 600, 64, 5
			c.SnapshotRate = 1000 // ten bytes a tick
		})
		h.until("one leads", func() bool { return h.leader() != nil })
		n := h.nodes[0]
		h.fill(n, "its log is compacted", func() bool { return n.core.Status().Base.Index > 0 })
		before := n.core.Status().Base
		source := n.BackupSource()
		b := take(source)
		h.until("it is outlined", func() bool {
			synctest.Wait()
			return len(n.backups.all) == 1 && n.backups.all[0].outline != nil
		})
		h.fill(n, "checkpoints are taken", func() bool { return n.checkpoints.previous > before.Index+50 })
		if got := n.core.Status().Base; got != before {
			t.Fatalf("the log was compacted from %v to %v", before, got)
		}
		h.until("it is taken", b.ended)
		if _, err := backup.Verify(&b.file); b.err != nil || err != nil || b.info.Base != before {
			t.Fatalf("it is %+v, %v, %v", b.info, b.err, err)
		}
		source.Close()
		h.fill(n, "its log is compacted again", func() bool { return n.core.Status().Base.Index > before.Index+50 })
	})
}

func TestNothingIsKeptForWhoDoesNotAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHomes(t, 1, nil)
		h.until("one leads", func() bool { return h.leader() != nil })
		n := h.nodes[0]
		var replies []any
		reply := func(m any) { replies = append(replies, m) }
		for i := range maxBackups + 1 {
			_ = n.do(func() { n.beginBackup(backupKey{"x", uint64(i)}, reply) })
		}
		h.until("all are answered", func() bool { return len(replies) == maxBackups+1 })
		busy := func(m any) bool { p, ok := m.(*wire.BackupPart); return ok && p.Status == wire.BackupBusy }
		if !slices.ContainsFunc(replies, busy) {
			t.Fatalf("nobody was told to wait: %v", replies)
		}
		began := n.now
		h.until("they are forgotten", func() bool { return len(n.backups.all) == 0 })
		if waited := n.ticks(n.now - began); waited > 2*backupPatience {
			t.Errorf("that took %v", waited)
		}
		_ = n.do(func() { n.backupPartAsked(backupKey{"x", 0}, &wire.FetchBackupPart{From: 1}, reply) })
		h.settle()
		if p, ok := replies[len(replies)-1].(*wire.BackupPart); !ok || p.Status != wire.BackupGone {
			t.Errorf("a part of it is %v", replies[len(replies)-1])
		}
	})
}

func TestABackupThatWaitsEndsWithItsNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHomes(t, 3, nil)
		h.until("one leads", func() bool { return h.leader() != nil })
		leader := h.leader()
		h.ch.Isolate(leader.ID()) // no read barrier is reached
		b := take(leader.BackupSource())
		for range 20 {
			synctest.Wait()
			h.tick()
		}
		if len(leader.backups.all) != 1 || leader.backups.all[0].outline != nil {
			t.Fatal("it was told what is in it by a leader that may lead no more")
		}
		_ = leader.Close()
		if !b.ended() || !errors.Is(b.err, ErrClosed) {
			t.Fatalf("it has ended: %v, %v", b.done.Load(), b.err)
		}
		h.nodes[slices.Index(h.nodes, leader)] = nil
	})
}

func TestWhoDoesNotKnowTheClusterLearnsItFromTheAnswerAndNobodyElseIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := emptyHomes(t, 3, nil)
		h.addDisk()
		for i := range h.disks {
			h.start(i) // one of them is left over
		}
		h.until("one leads", func() bool { return h.leader() != nil })
		b := h.backUp()
		if b.info.Cluster != h.leader().cluster || b.info.Name != "test" || !slices.Equal(b.info.Configuration.Members(), h.leader().core.Status().Configuration.Members()) {
			t.Errorf("it is of %+v", b.info)
		}
		standby := slices.IndexFunc(h.nodes, func(n *Node) bool { return n.Status().State == Standby })
		if standby < 0 {
			t.Fatal("there is no standby")
		}
		b = take(h.nodes[standby].BackupSource())
		h.until("the standby refuses", b.ended)
		if !errors.Is(b.err, ErrStandby) {
			t.Errorf("the standby says %v", b.err)
		}
	})
}

func TestABackupIsTheSameFromEveryMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHomes(t, 3, func(c *Config) { c.CheckpointBytes, c.TailBytes, c.Machine = 600, 64, &oddList{} })
		h.until("one leads", func() bool { return h.leader() != nil })
		h.fill(h.leader(), "all have compacted their logs", func() bool {
			return !slices.ContainsFunc(h.nodes, func(n *Node) bool { return n.core.Status().Base.Index == 0 })
		})
		h.until("all have applied the same", func() bool {
			return !slices.ContainsFunc(h.nodes, func(n *Node) bool {
				return n.applied != h.nodes[0].applied || n.checkpoints.latest != h.nodes[0].checkpoints.latest
			})
		})
		var first []byte
		for _, n := range h.nodes {
			b := take(n.BackupSource())
			h.until("it is taken", b.ended)
			if b.err != nil {
				t.Fatal(b.err)
			}
			if first == nil {
				first = b.file.Bytes()
			}
			if !bytes.Equal(first, b.file.Bytes()) {
				t.Errorf("that of %s is another", n.ID())
			}
		}
	})
}

func TestARestoreThatIsInterruptedLeavesNothingThatStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHomes(t, 3, func(c *Config) { c.CheckpointBytes, c.TailBytes, c.Retain = 600, 64, 20 })
		h.until("one leads", func() bool { return h.leader() != nil })
		h.fill(h.leader(), "the log is compacted", func() bool { return h.leader().core.Status().Base.Index > 0 })
		file := h.backUp().file.Bytes()
		ended := false
		for allowed := 0; !ended; allowed++ {
			d, ops := vfs.NewDisk(), 0
			d.SetFaults(vfs.Faults{Fail: func(vfs.Op) error {
				if ops++; ops > allowed {
					return errPower
				}
				return nil
			}})
			_, err := Restore(d, bytes.NewReader(file), restoreConfig(0, 3, ""))
			ended = err == nil
			if !ended && !errors.Is(err, errPower) {
				t.Fatalf("with %d operations it ends with %v", allowed, err)
			}
			for _, keep := range []int{0, 1} {
				left := d.Copy()
				left.SetFaults(vfs.Faults{})
				left.Crash(func(n int) int { return keep * (n - 1) })
				home, err := OpenHome(left, HomeConfig{ID: "a#9", Name: "a", Cluster: "test", Size: 3, SegmentBytes: 16 << 10, Whole: true})
				if err != nil {
					continue // it says that something is missing
				}
				if got := home.ID() != "a#9"; got != (home.log != nil) || ended && !got {
					t.Fatalf("with %d operations, %v, the node is %s, with a log: %v", allowed, err, home.ID(), home.log != nil)
				}
				if home.log == nil && home.founding.State != 0 {
					t.Fatalf("with %d operations the node is %v without a log", allowed, home.founding.State)
				}
				_ = home.Close()
			}
		}
	})
}

var errPower = errors.New("the power is gone")

func TestNodesOfTwoRestoresAreStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHomes(t, 3, nil)
		h.until("one leads", func() bool { return h.leader() != nil })
		h.append(h.leader(), "x")
		file := h.backUp().file.Bytes()
		ids := map[raft.NodeID]bool{}
		for _, token := range []string{"", "second", "third"} {
			for i := range 3 {
				id, err := Restore(vfs.NewDisk(), bytes.NewReader(file), restoreConfig(i, 3, token))
				if err != nil {
					t.Fatal(err)
				}
				ids[id] = true
			}
		}
		if len(ids) != 9 {
			t.Errorf("they are %v", ids)
		}
	})
}

func TestARestoreRefusesWhatItCannotBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHomes(t, 1, nil)
		h.until("one leads", func() bool { return h.leader() != nil })
		file := h.backUp().file.Bytes()
		full := vfs.NewDisk()
		if err := vfs.WriteFile(full, "letter", []byte("dear")); err != nil {
			t.Fatal(err)
		}
		spoilt := bytes.Clone(file)
		spoilt[len(spoilt)/2] ^= 1
		for _, c := range []struct {
			what string
			dir  *vfs.Disk
			file []byte
			tune func(*RestoreConfig)
			want string
		}{
			{"a directory in use", full, file, nil, "not empty"},
			{"a damaged file", vfs.NewDisk(), spoilt, nil, "damaged"},
			{"half a file", vfs.NewDisk(), file[:len(file)/2], nil, "missing"},
			{"another file", vfs.NewDisk(), []byte("dear"), nil, "not a backup"},
			{"a node that is no member", vfs.NewDisk(), file, func(c *RestoreConfig) { c.Name = "z" }, "not one of the members"},
			{"a member twice", vfs.NewDisk(), file, func(c *RestoreConfig) { c.Members = append(c.Members, "a") }, "once"},
			{"no members", vfs.NewDisk(), file, func(c *RestoreConfig) { c.Members = nil }, "once"},
			{"an identity for a name", vfs.NewDisk(), file, func(c *RestoreConfig) { c.Members = append(c.Members, "b#1") }, "#"},
		} {
			config := restoreConfig(0, 3, "")
			if c.tune != nil {
				c.tune(&config)
			}
			if _, err := Restore(c.dir, bytes.NewReader(c.file), config); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", c.what, err)
			}
			if names, err := c.dir.List(); err != nil || len(names) > 0 && c.dir != full {
				t.Errorf("%s: left are %q, %v", c.what, names, err)
			}
		}
	})
}

// oneLog is a source of one log.
type oneLog []raft.Entry

func (l oneLog) Outline(context.Context) (wire.ClusterID, *wire.BackupOutline, error) {
	last := l[len(l)-1]
	return wire.ClusterID{1}, &wire.BackupOutline{
		Last: raft.Position{Index: last.Index, Term: last.Term}, Configuration: raft.NewConfiguration([]raft.NodeID{"x"}, nil),
	}, nil
}

func (l oneLog) Part(context.Context, bool, uint64) ([]byte, error) {
	var b []byte
	for i := range l {
		b = wire.AppendEntry(b, &l[i])
	}
	return b, nil
}

// Whatever change of members was under way, the new cluster has its own.
func TestABackupInTheMiddleOfAChangeOfMembersBecomesANewCluster(t *testing.T) {
	encoded := func(c raft.Configuration) []byte {
		b, _ := c.AppendBinary(nil) // which never fails
		return b
	}
	x, y := []raft.NodeID{"x"}, []raft.NodeID{"y", "z"}
	for name, at := range map[string]raft.Configuration{
		"joint":         {Voters: y, Outgoing: x},
		"with learners": {Voters: x, Learners: y},
	} {
		log := oneLog{
			{Index: 1, Term: 1, Type: raft.EntryConfiguration, Data: encoded(raft.NewConfiguration(x, nil))},
			{Index: 2, Term: 4, Type: raft.EntryConfiguration, Data: encoded(at)},
		}
		var file bytes.Buffer
		if _, err := backup.Take(t.Context(), log, "test", &file); err != nil {
			t.Fatal(err)
		}
		h := restored(t, file.Bytes(), 3, "", nil)
		h.until("one leads", func() bool { return h.leader() != nil })
		h.append(h.nodes[0], "x")
		if got := h.agree(); !slices.Equal(got, []string{"x"}) {
			t.Errorf("%s: they have %v", name, got)
		}
		if c := h.leader().core.Status().Configuration; c.Joint() || len(c.Voters) != 3 || len(c.Learners) > 0 {
			t.Errorf("%s: the members are %v", name, c)
		}
	}
}

// Who has begun with a member that is cut off is told so, and begins anew with another.
func TestABackupIsBegunAnewWithAnotherMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, leader, _ := leads(t, 3)
		var want []string
		for i := range 3000 { // of several parts, of which there is an allowance for the first
			want = append(want, fmt.Sprint("value ", i, strings.Repeat(".", 1000)))
			propose(t, leader, want[i])
			f.settle()
		}
		for _, n := range f.nodes {
			n.config.SnapshotRate = 1000
		}
		remote, err := backup.Dial(f.ch, "test", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = remote.Close() }()
		waits := func(n *Node) bool {
			return slices.ContainsFunc(n.backups.all, func(one *backingUp) bool { return one.waiting != nil })
		}
		b := take(remote)
		asked := -1
		f.until("a member is asked for the second part", func() bool {
			done := b.ended()
			asked = slices.IndexFunc(f.nodes, waits)
			return done || asked >= 0 && b.written.Load() >= backupBytes/2
		})
		if b.done.Load() {
			t.Fatal("it has ended", b.err)
		}
		f.ch.Isolate(f.nodes[asked].ID())
		f.until("it is given up", b.ended)
		if !errors.Is(b.err, backup.ErrUnanswered) {
			t.Fatalf("it ends with %v", b.err)
		}
		for _, n := range f.nodes {
			n.config.SnapshotRate = defaultSnapshotRate
		}
		b = take(remote)
		f.until("it is taken from another", b.ended)
		if b.err != nil {
			t.Fatal(b.err)
		}
		again := restored(t, b.file.Bytes(), 1, "", nil)
		again.until("it leads", func() bool { return again.leader() != nil })
		got := values(again.nodes[0])
		if n := len(got) - len(want); n < 0 || !slices.Equal(got[n:], want) {
			t.Errorf("it has %d values, want %d", len(got), len(want))
		}
	})
}
