package engine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wal"
	"github.com/ben-ng/gaggle/wire"
)

// A Home is the directory that a node lives in, opened and read: who it is, what it has
// promised while its cluster was founded, its log and its snapshots. It belongs to one
// node at a time, which closes it.
type Home struct {
	dir       vfs.Dir
	lock      io.Closer
	identity  *wal.Identity
	founding  founding.Saved
	snapshots *snapshot.Store
	options   wal.Options
	// log is nil as long as the node is no member, recovered what was in it at the start.
	log *wal.Log
	// hasLog: there is all that a node begins with; begunWith: it is in the log.
	hasLog, begunWith bool
	recovered         *wal.Recovered
	// damaged says which snapshots cannot be used, and why.
	damaged []error
	// Lost says why what was in the directory could not be trusted, so that it was put aside
	// and the node begins as another one, which waits for a place; nil if it could.
	Lost error
}

// HomeConfig says whose directory it is to be.
type HomeConfig struct {
	// ID is the identity that the node gets if the directory is new.
	ID raft.NodeID
	// Name, if not empty, is the name that the identity in the directory must begin with.
	Name string
	// Cluster and Size are those of the cluster; a directory of another is refused.
	Cluster string
	Size    int
	// Mark becomes part of a new directory's identity: random bytes.
	Mark [16]byte
	// Whole says that the entries that a snapshot stands for are kept and wanted, as in a
	// plain log: where they are damaged, the other nodes are asked for them.
	Whole bool
	// SegmentBytes is the size of the log's segments; 0 is the default.
	SegmentBytes int64
}

// logPrefixes begin the names of the files that belong to a log, and of snapshots.
var logPrefixes = []string{"log-", "spare-", "snapshot-", "incoming-", begunFile}

// What files a home has beside those of the log and the snapshots, and what is put before
// the names of those that cannot be trusted.
const (
	foundingFile = "founding"
	// begunFile says that there is a log. A standby may have one or not; and one that had it,
	// and was about to become a member, has votes and acknowledgements in it.
	begunFile    = "begun"
	identityFile = "identity"
	asidePrefix  = "lost-"
)

// OpenHome opens a directory, or makes it a node's if it is empty.
//
// Errors, in words that say what to do: vfs.ErrLocked if it is in use; wal.ErrCopied if it is
// the copy of another; ErrForeign if it is another node's or cluster's; ErrIncomplete if
// part of it is missing; and those of the disk. What cannot be read of what the node has
// promised is no error: see Home.Lost.
func OpenHome(dir vfs.Dir, config HomeConfig) (*Home, error) {
	lock, err := dir.Lock()
	if err != nil {
		return nil, err
	}
	h := &Home{dir: dir, lock: lock}
	if err := h.open(config); err != nil {
		_ = h.Close()
		return nil, fmt.Errorf("directory %s: %w", dir.Path(), err)
	}
	return h, nil
}

func (h *Home) open(config HomeConfig) error {
	err := h.readIdentity(config)
	if err == nil {
		err = h.readAll(config)
	}
	var lost *lostError
	switch {
	case errors.As(err, &lost):
		h.Lost = lost
	case errors.Is(err, wal.ErrForeign):
		return fmt.Errorf("%w: %w", ErrForeign, err)
	default:
		return err
	}
	return h.beginAnew(config)
}

// beginAnew makes the node another one, which knows its cluster, and waits for a place in it.
// It must not found one, not even where it was the only member: what was acknowledged may be
// in the files that are put aside, or with others who cannot be heard now.
func (h *Home) beginAnew(config HomeConfig) error {
	if err := h.saveFounding(&founding.Saved{State: founding.Standby, Charter: h.founding.Charter}); err != nil {
		return err
	}
	if err := h.putAside(); err != nil {
		return err
	}
	if err := h.readIdentity(config); err != nil {
		return err
	}
	return h.readAll(config)
}

// A lostError says that what the node has promised cannot be read.
type lostError struct{ why error }

func (e *lostError) Error() string {
	return fmt.Sprintf("what the node has promised cannot be read, so it may not vote by its old name: %v", e.why)
}

func (e *lostError) Unwrap() error { return e.why }

// readIdentity reads whose directory it is, or says so in an empty one.
func (h *Home) readIdentity(config HomeConfig) error {
	id, err := wal.OpenIdentity(h.dir)
	switch {
	case errors.Is(err, wal.ErrNoIdentity):
		return h.settle(config)
	case err != nil:
		return err
	case id.Cluster != config.Cluster || id.Size != config.Size:
		return fmt.Errorf("%w: it is that of a node of cluster %q of size %d, not of %q of size %d; give each node a directory of its own",
			ErrForeign, id.Cluster, id.Size, config.Cluster, config.Size)
	case config.Name != "" && !strings.HasPrefix(string(id.Node), config.Name+"#"):
		return fmt.Errorf("%w: it is that of node %s, not of one called %q; give each node a directory of its own", ErrForeign, id.Node, config.Name)
	}
	h.identity = id
	return id.Started()
}

// settle makes an empty directory this node's. What it has promised is written before who
// it is: so an identity without promises is never that of a node that has made none.
func (h *Home) settle(config HomeConfig) error {
	if err := h.putAsideTheRest(); err != nil {
		return err
	}
	names, err := h.dir.List()
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(names, isOfLog); i >= 0 {
		return h.whose(names[i])
	}
	if slices.Contains(names, foundingFile) {
		if err := h.readFounding(); err != nil {
			return err
		}
		if h.founding.State == founding.Member {
			return h.whose(foundingFile)
		}
	} else if err := h.saveFounding(&founding.Saved{}); err != nil {
		return err
	}
	h.identity, err = wal.CreateIdentity(h.dir, wal.Identity{Directory: config.Mark, Node: config.ID, Cluster: config.Cluster, Size: config.Size})
	if err != nil {
		return err
	}
	return h.identity.Started()
}

func (h *Home) whose(file string) error {
	return fmt.Errorf("%w: there is a file %s, and none that says whose it is; restore the whole directory, or empty it, "+
		"which makes the node a new one", ErrIncomplete, file)
}

// isOfLog reports whether a file is one of a log, or a snapshot.
func isOfLog(name string) bool {
	return slices.ContainsFunc(logPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// readAll reads everything else.
func (h *Home) readAll(config HomeConfig) error {
	if err := h.readFounding(); err != nil {
		return err
	}
	h.options = wal.Options{Identity: h.identity.Directory, SegmentBytes: config.SegmentBytes, Whole: config.Whole}
	if h.founding.State != founding.Fresh {
		if err := h.openSnapshots(h.founding.Charter.Cluster); err != nil {
			return err
		}
	}
	begun, err := h.begun()
	if err != nil {
		return err
	}
	h.log, h.recovered, err = wal.Open(h.dir, h.options)
	switch {
	case h.founding.State == founding.Fresh && (err == nil || errors.Is(err, wal.ErrNoLog)):
		// It was begun, and the node stopped before it took part in anything: whatever it holds.
		return h.forgetLog()
	case errors.Is(err, wal.ErrNoLog) && (begun || h.founding.State == founding.Member):
		return fmt.Errorf("%w: the node had a log, and that is gone; restore the whole directory, or empty it, "+
			"which makes the node a new one", ErrIncomplete)
	case errors.Is(err, wal.ErrNoLog):
		return nil
	case err != nil:
		return err
	case h.recovered.Lost != nil:
		return &lostError{h.recovered.Lost}
	}
	h.hasLog = true
	if !begun {
		return vfs.WriteFile(h.dir, begunFile, nil)
	}
	return nil
}

// begun reports whether there was a log.
func (h *Home) begun() (bool, error) {
	names, err := h.dir.List()
	return slices.Contains(names, begunFile), err
}

func (h *Home) readFounding() error {
	b, err := vfs.ReadFile(h.dir, foundingFile)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: the file %s is gone; restore the whole directory, or empty it, which makes the node a new one", ErrIncomplete, foundingFile)
	}
	if err != nil {
		return err
	}
	if err := h.founding.UnmarshalBinary(b); err != nil {
		return fmt.Errorf("%w: the file %s: %w; restore the whole directory, or empty it, which makes the node a new one", ErrDamaged, foundingFile, err)
	}
	return nil
}

// forgetLog removes a log in which nothing was promised.
func (h *Home) forgetLog() error {
	if h.log != nil {
		if err := h.log.Close(); err != nil {
			return err
		}
	}
	h.log, h.recovered, h.hasLog, h.begunWith = nil, nil, false, false
	names, err := h.dir.List()
	if err != nil {
		return err
	}
	removed := false
	for _, name := range names {
		if strings.HasPrefix(name, "log-") || strings.HasPrefix(name, "spare-") || name == begunFile {
			if err := h.dir.Remove(name); err != nil {
				return err
			}
			removed = true
		}
	}
	if !removed {
		return nil
	}
	return h.dir.Sync()
}

// putAside gives who the node was, its log and its snapshots other names, so that somebody can
// look into them. The identity goes first, and for good, so that nothing of it can come back
// without the rest.
func (h *Home) putAside() error {
	if h.log != nil {
		_ = h.log.Close()
	}
	h.log, h.recovered, h.hasLog, h.begunWith = nil, nil, false, false
	if err := h.dir.Rename(identityFile, asidePrefix+identityFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := h.dir.Sync(); err != nil {
		return err
	}
	return h.putAsideTheRest()
}

// putAsideTheRest goes on where putAside was interrupted.
func (h *Home) putAsideTheRest() error {
	names, err := h.dir.List()
	if err != nil || !slices.Contains(names, asidePrefix+identityFile) {
		return err
	}
	for _, name := range names {
		if !isOfLog(name) {
			continue
		}
		if err := h.dir.Rename(name, asidePrefix+name); err != nil {
			return err
		}
	}
	return h.dir.Sync()
}

// ID is the identity of the node that lives here.
func (h *Home) ID() raft.NodeID { return h.identity.Node }

// Starts is how often the directory was opened by a node.
func (h *Home) Starts() uint64 { return h.identity.Starts }

// begin makes the log that a node begins with when it becomes a member. After it found no room
// it may be called again.
func (h *Home) begin(saved raft.Saved) error {
	if h.log == nil {
		log, err := wal.Create(h.dir, h.options)
		if err != nil {
			return err
		}
		h.log = log
	}
	if !h.begunWith {
		if err := h.log.Append([]*raft.Write{{HardState: &saved.HardState, Entries: [][]raft.Entry{saved.Entries}}}); err != nil {
			return err
		}
		h.begunWith = true
	}
	if err := vfs.WriteFile(h.dir, begunFile, nil); err != nil {
		return err
	}
	h.hasLog = true
	return nil
}

// openSnapshots opens the snapshots of the node's cluster, once it has one.
func (h *Home) openSnapshots(cluster wire.ClusterID) error {
	var err error
	if h.snapshots, err = snapshot.Open(h.dir, cluster); err != nil {
		return err
	}
	// The node begins from the newest. One that is damaged in its middle would stop it each
	// time it starts, though the one before it, and the log from there on, are kept for this.
	for _, info := range h.snapshots.List() {
		if err = h.snapshots.Verify(info); err == nil || !errors.Is(err, snapshot.ErrDamaged) {
			break
		}
		h.damaged = append(h.damaged, err)
		err = nil
	}
	for _, info := range h.snapshots.List() {
		h.options.Snapshots = append(h.options.Snapshots, info.Meta)
	}
	return err
}

// Append makes writes of the core durable, in order: all of them, with one sync. That there
// is no room is vfs.ErrFull, and the same writes may be tried again; any other error is final.
// It is for who makes a Storage.
func (h *Home) Append(writes []*raft.Write) error { return h.log.Append(writes) }

// saveFounding makes durable what the node has promised while the cluster is founded.
func (h *Home) saveFounding(saved *founding.Saved) error {
	b, err := saved.AppendBinary(nil)
	if err != nil {
		return err
	}
	return vfs.WriteFile(h.dir, foundingFile, b)
}

// Close lets others have the directory.
func (h *Home) Close() error {
	var err error
	if h.log != nil {
		err = h.log.Close()
	}
	return errors.Join(err, h.lock.Close())
}
