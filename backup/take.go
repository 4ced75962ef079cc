package backup

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A Source is a member of a cluster that is asked for a backup.
type Source interface {
	// Outline says what the backup consists of, after a read barrier, and the identity of
	// the cluster. From then on the member keeps the parts.
	Outline(ctx context.Context) (wire.ClusterID, *wire.BackupOutline, error)
	// Part returns a part: bytes of the snapshot from an offset on, or entries from an index
	// on. Errors: ErrGone, ErrUnanswered, that of the context.
	Part(ctx context.Context, ofSnapshot bool, from uint64) ([]byte, error)
}

// Take writes a backup of the cluster of this name. What it has written is a backup only if it
// returns no error. Errors: those of the source and of the writer; ErrDamaged if what
// the source gives does not fit together.
func Take(ctx context.Context, source Source, name string, w io.Writer) (Info, error) {
	cluster, outline, err := source.Outline(ctx)
	if err != nil {
		return Info{}, err
	}
	info := newInfo(name, cluster, outline)
	if err := info.check(); err != nil {
		return Info{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	out := newWriter(w, &info)
	for offset := int64(0); offset < info.SnapshotSize && out.err == nil; {
		part, err := source.Part(ctx, true, uint64(offset))
		if err == nil && (len(part) == 0 || int64(len(part)) > info.SnapshotSize-offset) {
			err = errors.New("backup: the member sends another snapshot than it said")
		}
		if err != nil {
			return Info{}, err
		}
		out.part(part)
		offset += int64(len(part))
	}
	for at := info.Base; at != info.Last && out.err == nil; {
		part, err := source.Part(ctx, false, uint64(at.Index+1))
		if err != nil {
			return Info{}, err
		}
		if err := fits(part, &at, info.Last); err != nil {
			return Info{}, err
		}
		out.part(part)
	}
	return info, out.end(&info)
}

// fits checks that entries are those that follow a position, and moves that.
func fits(part []byte, at *raft.Position, last raft.Position) error {
	entries, err := decodeEntries(part, at, last)
	if err == nil && len(entries) == 0 {
		err = errors.New("no entries")
	}
	if err == nil && at.Index == last.Index && at.Term != last.Term {
		err = fmt.Errorf("the last entry is at %v, not at %v", *at, last)
	}
	if err != nil {
		return fmt.Errorf("%w: the member sends %w", ErrDamaged, err)
	}
	return nil
}
