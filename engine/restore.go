package engine

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ben-ng/gaggle/backup"
	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wal"
)

// RestoreConfig says what becomes of a backup. Nodes that are restored from the same file with
// the same Cluster, Members and Token are members of the same cluster, wherever that is done.
type RestoreConfig struct {
	// Cluster is the name of the new cluster; that of the old one if it is empty.
	Cluster string
	// Members are the names of its nodes, each once, and Name that of this one.
	Members []string
	Name    string
	// Token is any text. It tells a cluster from another one that was restored with the same
	// names from the same file: nodes of the two must not take each other for members.
	Token string
	// Mark becomes part of the directory's identity: random bytes.
	Mark [16]byte
	// SegmentBytes is the size of the log's segments; 0 is the default.
	SegmentBytes int64
}

// errNotEmpty: what is in a directory is never replaced.
var errNotEmpty = errors.New("the directory is not empty; a node is restored to an empty one")

// restoreIDBytes is how much of a sum tells the identities of restored nodes apart.
const restoreIDBytes = 6

// Restore makes an empty directory the home of a node of a new cluster, whose log is that of the
// backup with one entry behind it: the configuration that makes the new nodes the members. The
// file is read twice, and verified first.
//
// All members begin with the same log. So the entries of the backup are on a quorum, and what
// makes them committed again is that one of the nodes becomes leader, in a later term: the last
// entry has a term of its own, in which none of them has voted or will (§3.6.2).
//
// Who the node is is written last: if it is interrupted before, no node starts in the
// directory. It returns the node's identity. Errors: those of Check and of backup.Verify;
// vfs.ErrLocked; those of the disk.
func Restore(dir vfs.Dir, file io.ReadSeeker, config RestoreConfig) (raft.NodeID, error) {
	if err := config.Check(); err != nil {
		return raft.None, err
	}
	lock, err := dir.Lock()
	if err != nil {
		return raft.None, err
	}
	id, err := restore(dir, file, config)
	if err = errors.Join(err, lock.Close()); err != nil {
		return raft.None, fmt.Errorf("directory %s: %w", dir.Path(), err)
	}
	return id, nil
}

func restore(dir vfs.Dir, file io.ReadSeeker, config RestoreConfig) (raft.NodeID, error) {
	if names, err := dir.List(); err != nil || len(names) > 0 {
		return raft.None, errors.Join(err, errNotEmpty)
	}
	info, err := backup.Verify(file)
	if err != nil {
		return raft.None, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return raft.None, err
	}
	in, err := backup.NewReader(file)
	if err != nil {
		return raft.None, err
	}
	config.Cluster = cmp.Or(config.Cluster, info.Name)
	var voters []raft.NodeID
	for _, name := range config.Members {
		voters = append(voters, config.id(name, &info))
	}
	r := restoring{dir: dir, in: in, config: &config, charter: founding.NewCharter(config.Cluster, voters)}
	if err := r.all(); err != nil {
		return raft.None, err
	}
	if in.Info().Sum != info.Sum {
		return raft.None, errors.New("the file has changed while it was read; empty the directory, and begin anew")
	}
	id := wal.Identity{Directory: config.Mark, Node: config.id(config.Name, &info), Cluster: config.Cluster, Size: len(voters)}
	_, err = wal.CreateIdentity(dir, id)
	return id.Node, err
}

// Check reports what cannot be restored to.
func (c *RestoreConfig) Check() error {
	names := slices.Compact(slices.Sorted(slices.Values(c.Members)))
	switch {
	case len(names) != len(c.Members) || len(names) == 0 || len(names) > raft.MaxMembers:
		return fmt.Errorf("the members are %q; name each of them once, at most %d", c.Members, raft.MaxMembers)
	case !slices.Contains(names, c.Name):
		return fmt.Errorf("%q is not one of the members %q", c.Name, c.Members)
	case strings.Contains(strings.Join(names, ""), "#") || slices.Contains(names, ""):
		return fmt.Errorf("the members are %q; a name is not empty, and has no #, which ends it in an identity", c.Members)
	}
	return nil
}

// id is the identity of a member: its name, and a part that is the same wherever the same is
// restored, and never that of a node of the cluster that the backup is of.
func (c *RestoreConfig) id(name string, info *backup.Info) raft.NodeID {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "gaggle restore %x %q %q %q %q", info.Sum, c.Cluster, slices.Sorted(slices.Values(c.Members)), c.Token, name)
	return raft.NodeID(name + "#" + hex.EncodeToString(h.Sum(nil)[:restoreIDBytes]))
}

// restoring is a directory in the making.
type restoring struct {
	dir     vfs.Dir
	in      *backup.Reader
	config  *RestoreConfig
	charter founding.Charter
}

func (r *restoring) all() error {
	options := wal.Options{Identity: r.config.Mark, SegmentBytes: r.config.SegmentBytes}
	var begin *raft.SnapshotMeta
	if info := r.in.Info(); info.SnapshotSize > 0 {
		meta, err := r.snapshot()
		if err != nil {
			return err
		}
		options.Snapshots = []raft.SnapshotMeta{meta}
		// Entries before the snapshot may be there, too. What was in effect before them
		// is of no interest any more, as there is a later configuration.
		begin = &raft.SnapshotMeta{Last: info.Base, Configuration: meta.Configuration, ConfigurationIndex: min(meta.ConfigurationIndex, info.Base.Index)}
		if info.Base.Index == 0 {
			begin = nil
		}
	}
	if err := r.log(options, begin); err != nil {
		return err
	}
	h := &Home{dir: r.dir}
	return h.saveFounding(&founding.Saved{State: founding.Member, Charter: r.charter})
}

// snapshot makes the snapshot in the backup one of the new cluster.
func (r *restoring) snapshot() (raft.SnapshotMeta, error) {
	store, err := snapshot.Open(r.dir, r.charter.Cluster)
	if err != nil {
		return raft.SnapshotMeta{}, err
	}
	info, err := store.Import(r.in.Snapshot())
	return info.Meta, err
}

// restoreBytes is how much of the log is written at a time.
const restoreBytes = 8 << 20

// log writes the log.
func (r *restoring) log(options wal.Options, begin *raft.SnapshotMeta) (err error) {
	log, err := wal.Create(r.dir, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	last := r.in.Info().Last
	end := raft.Entry{Index: last.Index + 1, Term: last.Term + 1, Type: raft.EntryConfiguration}
	if end.Data, err = raft.NewConfiguration(r.charter.Voters, nil).AppendBinary(nil); err != nil {
		return err
	}
	hard := raft.HardState{Term: end.Term}
	write := &raft.Write{HardState: &hard, Snapshot: begin}
	size := 0
	for err == nil {
		var run []raft.Entry
		switch run, err = r.in.Next(); {
		case errors.Is(err, io.EOF):
			write.Entries = append(write.Entries, []raft.Entry{end})
			return log.Append([]*raft.Write{write})
		case err != nil:
			return err
		}
		write.Entries = append(write.Entries, run)
		for i := range run {
			size += run[i].Size()
		}
		if size >= restoreBytes {
			err = log.Append([]*raft.Write{write})
			write, size = &raft.Write{HardState: &hard}, 0
		}
	}
	return err
}
