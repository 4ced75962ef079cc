package engine

import (
	"errors"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
	"github.com/ben-ng/gaggle/wal"
	"github.com/ben-ng/gaggle/wire"
)

const (
	// maxBackups is how many backups of a node are made at a time: each may keep a snapshot's
	// file and the log from being let go of.
	maxBackups = 4
	// backupPatience is how long the parts of a backup are kept for who does not ask.
	backupPatience = 30 * time.Second
	// backupBytes is how much a part brings, or one entry.
	backupBytes = 1 << 20
)

// backups are what this member keeps for those who make one.
type backups struct {
	all []*backingUp
	// allowance is how many bytes may be given now, to all together.
	allowance int
}

// backupKey says whose backup it is, and which one.
type backupKey struct {
	from  raft.NodeID
	token uint64
}

// backingUp is a backup that somebody makes: what it consists of stays until they have it, or
// do not ask for it any more. Nothing waits for that but the compaction of this node's log.
type backingUp struct {
	backupKey
	// outline is nil as long as the read barrier is not reached and the snapshot not opened.
	outline *wire.BackupOutline
	// reader belongs to the jobs of the lane that reads; nil if there is no snapshot.
	reader *snapshot.Reader
	// askedAt is the tick of the last question.
	askedAt uint64
	// reading: a part is being read; waiting is the question that is answered when there is an
	// allowance.
	reading bool
	waiting func()
}

// backupAsked answers a stranger on the channel. Who is no member leaves that to others.
func (n *Node) backupAsked(from raft.NodeID, m *wire.FetchBackup) {
	if from == n.config.ID || n.core == nil || n.failed != nil || n.founder.State() != founding.Member {
		return
	}
	n.beginBackup(backupKey{from, m.Token}, func(reply any) { n.post(from, reply) })
}

// beginBackup finds out, behind a read barrier, what a backup consists of, and keeps that.
func (n *Node) beginBackup(key backupKey, reply func(any)) {
	if b := n.backups.find(key); b != nil {
		b.askedAt = n.now
		if b.outline != nil {
			reply(b.outline)
		}
		return // or soon
	}
	busy := func() { reply(&wire.BackupPart{Token: key.token, Status: wire.BackupBusy}) }
	if len(n.backups.all) >= maxBackups {
		busy()
		return
	}
	b := &backingUp{backupKey: key, askedAt: n.now}
	n.backups.all = append(n.backups.all, b)
	n.reader.waiting = append(n.reader.waiting, &readWaiter{begin: func(err error) {
		_ = n.do(func() {
			if n.backups.find(key) != b { // it took too long, or was given up: nothing would let go of it
				busy()
				return
			}
			if err == nil {
				err = n.outlineBackup(b, reply)
			}
			if err != nil {
				n.endBackup(b)
				busy()
			}
		})
	}})
}

var errNoSnapshot = errors.New("there is no snapshot to begin a backup with")

// outlineBackup says what is there now: of a plain log all that is left of it, and the state
// to begin with if that is not all; of a state machine the last snapshot and what follows it.
func (n *Node) outlineBackup(b *backingUp, reply func(any)) error {
	meta, err := n.core.SnapshotAt(n.applied)
	if err != nil {
		return err
	}
	b.askedAt = n.now // who has waited so long hears of it only now
	outline := &wire.BackupOutline{Token: b.token, Base: n.core.Status().Base, Last: meta.Last, Configuration: meta.Configuration}
	info, ok := n.snapshots.Latest()
	switch {
	case !ok && outline.Base.Index > 0:
		n.demandCheckpoint()
		return errNoSnapshot
	case !ok, n.applier == nil && outline.Base.Index == 0:
		b.outline = outline
		reply(outline)
		return nil
	case n.applier != nil:
		outline.Base = info.Meta.Last
	}
	outline.Snapshot, outline.Size, outline.Sum = info.Meta.Last, uint64(info.Size), info.Sum
	b.outline = outline // from here on compaction waits
	b.reading = true
	n.job(ReadLane, func() {
		reader, err := n.snapshots.Open(info)
		b.reader = reader
		_ = n.do(func() {
			b.reading = false
			if err != nil {
				n.snapshotDamaged(info, err)
				n.endBackup(b)
				reply(&wire.BackupPart{Token: b.token, Status: wire.BackupBusy})
				return
			}
			reply(outline)
		})
	})
	return nil
}

// pinned is up to where the log may be compacted, for all that backups still need.
func (b *backups) pinned() raft.Index {
	to := raft.Index(math.MaxUint64)
	for _, one := range b.all {
		if one.outline != nil {
			to = min(to, one.outline.Base.Index)
		}
	}
	return to
}

// backupPartAsked answers with a part, as soon as there is an allowance for it.
func (n *Node) backupPartAsked(key backupKey, m *wire.FetchBackupPart, reply func(any)) {
	b := n.backups.find(key)
	answer := &wire.BackupPart{Token: m.Token, OfSnapshot: m.OfSnapshot, From: m.From, Status: wire.BackupGone}
	if b == nil || b.outline == nil {
		reply(answer)
		return
	}
	b.askedAt = n.now
	if b.reading {
		return // it is asked for again if it was not this one
	}
	b.waiting = func() {
		b.waiting, b.reading = nil, true
		read := n.readOfSnapshot(b, m.From)
		if !m.OfSnapshot {
			read = n.readOfLog(b, raft.Index(m.From))
		}
		n.job(ReadLane, func() {
			var err error
			answer.Data, err = read()
			_ = n.do(func() {
				b.reading = false
				answer.Status = n.backupStatus(err)
				n.backups.allowance -= len(answer.Data)
				reply(answer)
			})
		})
	}
	n.pumpBackups()
}

// errNotOfBackup: what is asked for is not part of it.
var errNotOfBackup = errors.New("it is not part of the backup")

// readOfSnapshot makes the job that reads bytes of a snapshot's file.
func (n *Node) readOfSnapshot(b *backingUp, offset uint64) func() ([]byte, error) {
	return func() ([]byte, error) {
		if offset >= b.outline.Size {
			return nil, errNotOfBackup
		}
		data := make([]byte, min(backupBytes, b.outline.Size-offset))
		_, err := b.reader.ReadRaw(data, int64(offset))
		return data, err
	}
}

// readOfLog makes the job that reads entries, from memory or from the disk.
func (n *Node) readOfLog(b *backingUp, first raft.Index) func() ([]byte, error) {
	last := b.outline.Last.Index
	run := n.core.Entries(first, last, backupBytes)
	return func() (data []byte, err error) {
		if first <= b.outline.Base.Index || first > last {
			return nil, errNotOfBackup
		}
		if run == nil {
			if run, err = n.readOlder(first, last); err != nil {
				return nil, err
			}
		}
		for i := range run {
			data = wire.AppendEntry(data, &run[i])
		}
		return data, nil
	}
}

// readOlder reads entries that are not in memory.
func (n *Node) readOlder(first, last raft.Index) ([]raft.Entry, error) {
	if n.home == nil {
		return nil, errNotOfBackup // a snapshot of another node has replaced them
	}
	return n.home.log.Read(first, last, backupBytes)
}

// backupStatus says what came of reading a part.
func (n *Node) backupStatus(err error) wire.BackupStatus {
	var (
		damaged   *wal.DamagedError
		compacted *wal.CompactedError
	)
	switch {
	case err == nil:
		return wire.BackupHere
	case errors.As(err, &damaged):
		n.mend(damaged.Position)
		return wire.BackupBusy
	case errors.Is(err, errNotOfBackup), errors.As(err, &compacted):
	default:
		n.complain(slog.LevelWarn, "a part of a backup could not be read", raft.None, err)
	}
	return wire.BackupGone
}

// tickBackups lets time pass for those who ask, and for those who do not any more.
func (n *Node) tickBackups() {
	b := &n.backups
	if len(b.all) == 0 {
		return
	}
	perTick := n.snapshotBytesPerTick()
	b.allowance = min(b.allowance+perTick, max(perTick, backupBytes))
	for _, one := range slices.Clone(b.all) {
		if n.ticks(n.now-one.askedAt) >= backupPatience && !one.reading {
			n.endBackup(one)
		}
	}
	n.pumpBackups()
}

// pumpBackups answers questions as long as there is an allowance.
func (n *Node) pumpBackups() {
	for _, one := range n.backups.all {
		if one.waiting != nil && n.backups.allowance > 0 {
			one.waiting()
		}
	}
}

// endBackup lets go of what was kept for a backup.
func (n *Node) endBackup(b *backingUp) {
	n.backups.all = slices.DeleteFunc(n.backups.all, func(one *backingUp) bool { return one == b })
	n.job(ReadLane, func() { // behind what still reads
		if b.reader != nil {
			_ = b.reader.Close()
		}
	})
}

func (b *backups) find(key backupKey) *backingUp {
	for _, one := range b.all {
		if one.backupKey == key {
			return one
		}
	}
	return nil
}
