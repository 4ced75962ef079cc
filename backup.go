package gaggle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ben-ng/gaggle/backup"
	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/vfs"
)

// Backup writes everything that was acknowledged in the cluster before the call, as one file:
// of a node of Join what is left of the log, of one of Replicate the last snapshot and what
// follows it. The cluster goes on meanwhile, and so does this member, which does not compact
// its log as long, and gives at most 64 MiB a second. The file is a backup only if no error is
// returned; package backup verifies one, and Restore makes a new cluster of it.
//
// Errors: ErrStandby, ErrClosed; that of the context, of the writer; backup.ErrGone if the node
// was sent a snapshot meanwhile: begin anew.
func (n *member) Backup(ctx context.Context, w io.Writer) (backup.Info, error) {
	source := n.engine.BackupSource()
	defer source.Close()
	info, err := backup.Take(ctx, source, n.engine.Status().Cluster, w)
	if err != nil {
		return backup.Info{}, n.wrapped("backup", err, "what was written is no backup")
	}
	return info, nil
}

// Backup does what Node.Backup does, from outside: the first member that answers on the channel
// is asked. Options are Name and Logger. It waits half a minute for an answer, however often
// that is needed: a cluster without a leader gives none.
//
// Errors: backup.ErrUnanswered; backup.ErrGone if the member was started anew meanwhile;
// that of the context, of the writer, of the channel.
func Backup(ctx context.Context, ch channel.Channel, w io.Writer, options ...Option) (backup.Info, error) {
	s := settings{name: DefaultName}
	for _, o := range options {
		if err := o.apply(&s); err != nil {
			return backup.Info{}, err
		}
	}
	if ch == nil {
		return backup.Info{}, errors.New("gaggle: Backup: the channel is nil")
	}
	remote, err := backup.Dial(ch, s.name, s.log)
	if err != nil {
		return backup.Info{}, fmt.Errorf("gaggle: Backup: %w", err)
	}
	info, err := backup.Take(ctx, remote, s.name, w)
	if err = errors.Join(err, remote.Close()); err != nil {
		return backup.Info{}, fmt.Errorf("gaggle: Backup: %w", err)
	}
	return info, nil
}

// A Restoration says what is to become of a backup. Nodes that are restored from the same file,
// with the same Name, Members and Token, are those of one new cluster.
type Restoration struct {
	// Dir is the directory of the node to be: empty, or not there.
	Dir string
	// ID is what the node is called, as with the option ID.
	ID string
	// Members are what all nodes of the new cluster are called, this one included: as many as
	// the cluster's Size.
	Members []string
	// Name is that of the new cluster; that of the old one if it is empty.
	Name string
	// Token is any text. Whoever restores the same file a second time, while nodes of the
	// first may live, says another one, so that the two do not take each other for members.
	Token string
}

// Restore makes a directory from a backup: that of a node of a new cluster, in which everything
// in the backup is committed, at the same indexes. It is done for each member, where it is to
// live; then they are started as ever, with Join or Replicate, the same Name, the Size, and
// Dir. As soon as a majority of them runs, the cluster goes on. What the old cluster
// acknowledged after the backup is not in the new one, so that it must not go on, too, where
// both are used as one.
//
// The file is verified before anything is written. If it is interrupted, empty the directory, and
// begin anew: no node starts in it before.
//
// Errors: those of backup.Verify; ErrLocked; those of the disk; others say what is wrong with
// the Restoration, or that the directory is not empty.
func Restore(file io.ReadSeeker, r Restoration) (NodeID, error) {
	for _, name := range append([]string{r.ID}, r.Members...) {
		if err := ID(name).apply(&settings{}); err != nil {
			return "", err
		}
	}
	if err := Name(cmp.Or(r.Name, DefaultName)).apply(&settings{}); err != nil {
		return "", err
	}
	config := engine.RestoreConfig{Cluster: r.Name, Members: r.Members, Name: r.ID, Token: r.Token, Mark: randomMark()}
	if err := config.Check(); err != nil {
		return "", fmt.Errorf("gaggle: Restore: %w", err)
	}
	dir, err := vfs.OS(r.Dir)
	if err != nil {
		return "", fmt.Errorf("gaggle: Restore: %w", err)
	}
	id, err := engine.Restore(dir, file, config)
	if err != nil {
		return "", fmt.Errorf("gaggle: Restore: %w", err)
	}
	return id, nil
}
