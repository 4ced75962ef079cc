package wire

import (
	"fmt"

	"github.com/ben-ng/gaggle/raft"
)

// FetchBackup asks a member what a backup of its cluster consists of. It may be broadcast,
// and by somebody who does not know the cluster's identity yet: the answer's envelope has it.
type FetchBackup struct {
	// Token is the asker's number for it, and for the backup.
	Token uint64
}

func (*FetchBackup) size() int                { return 8 }
func (*FetchBackup) check(raft.Term) error    { return nil }
func (x *FetchBackup) encode(b []byte) []byte { return appendU64(b, x.Token) }
func (x *FetchBackup) decode(r *reader)       { x.Token = r.u64() }

// BackupOutline answers FetchBackup, after a read barrier: everything that was acknowledged
// before the question is in it. The parts of it are kept for the asker for a while.
type BackupOutline struct {
	// Token is that of the FetchBackup.
	Token uint64
	// Base is the position before the first entry that belongs to it, 0 where the log begins,
	// and Last that of the last, which is not 0, and not below Base.
	Base, Last raft.Position
	// Snapshot is the last entry in the snapshot that belongs to it, Size the length of
	// its file in bytes, and Sum its checksum; all 0 if there is none. It is not below Base,
	// not above Last, and there whenever Base is not 0.
	Snapshot  raft.Position
	Size, Sum uint64
	// Configuration is that in effect at Last.
	Configuration raft.Configuration
}

func (x *BackupOutline) size() int {
	// As with InstallSnapshot, to encode it twice is better than to count it.
	return 8 + 16 + 16 + 16 + 8 + 8 + len(appendConfiguration(nil, x.Configuration))
}

func (x *BackupOutline) check(raft.Term) error {
	none := raft.Position{}
	for _, p := range []raft.Position{x.Base, x.Snapshot} {
		if (p.Index == 0) != (p.Term == 0) {
			return malformed("position %v", p)
		}
	}
	if err := checkPosition(x.Last); err != nil {
		return err
	}
	if x.Last.Index < x.Base.Index || x.Last.Term < x.Base.Term {
		return malformed("a backup from %v to %v", x.Base, x.Last)
	}
	if (x.Snapshot == none) != (x.Size == 0) || x.Snapshot == none && (x.Base != none || x.Sum != 0) {
		return malformed("a snapshot at %v of %d bytes, behind which the log begins at %v", x.Snapshot, x.Size, x.Base)
	}
	if x.Snapshot != none && (x.Snapshot.Index < x.Base.Index || x.Snapshot.Index > x.Last.Index) {
		return malformed("a snapshot at %v in a backup from %v to %v", x.Snapshot, x.Base, x.Last)
	}
	if err := x.Configuration.Validate(); err != nil {
		return malformed("%v", err)
	}
	return nil
}

func (x *BackupOutline) encode(b []byte) []byte {
	b = appendU64(b, x.Token)
	b = appendPosition(b, x.Base)
	b = appendPosition(b, x.Last)
	b = appendPosition(b, x.Snapshot)
	b = appendU64(b, x.Size)
	b = appendU64(b, x.Sum)
	return appendConfiguration(b, x.Configuration)
}

func (x *BackupOutline) decode(r *reader) {
	x.Token = r.u64()
	x.Base = r.position()
	x.Last = r.position()
	x.Snapshot = r.position()
	x.Size = r.u64()
	x.Sum = r.u64()
	x.Configuration = r.configuration()
}

// FetchBackupPart asks for a part of a backup whose outline is known.
type FetchBackupPart struct {
	// Token is that of the backup.
	Token uint64
	// OfSnapshot: bytes of the snapshot's file are asked for, and not entries.
	OfSnapshot bool
	// From is the first byte of the file, or the index of the first entry. As much follows as
	// the member thinks fit.
	From uint64
}

func (*FetchBackupPart) size() int             { return 8 + 1 + 8 }
func (*FetchBackupPart) check(raft.Term) error { return nil }

func (x *FetchBackupPart) encode(b []byte) []byte {
	b = appendU64(b, x.Token)
	b = appendBool(b, x.OfSnapshot)
	return appendU64(b, x.From)
}

func (x *FetchBackupPart) decode(r *reader) {
	x.Token = r.u64()
	x.OfSnapshot = r.bool()
	x.From = r.u64()
}

// A BackupStatus says what came of a question about a backup.
type BackupStatus uint8

const (
	// BackupHere: this is it.
	BackupHere BackupStatus = iota
	// BackupGone: the member keeps it no more, or never did; begin anew.
	BackupGone
	// BackupBusy: the member makes as many backups as it can, or waits for a part that is
	// damaged; ask again later, or another one.
	BackupBusy

	backupStatuses // how many there are
)

func (s BackupStatus) String() string {
	switch s {
	case BackupHere:
		return "here"
	case BackupGone:
		return "gone"
	case BackupBusy:
		return "busy"
	default:
		return fmt.Sprintf("BackupStatus(%d)", uint8(s))
	}
}

// BackupPart answers FetchBackupPart, and FetchBackup if there is no outline to be had.
type BackupPart struct {
	// Token, OfSnapshot and From are those of the question.
	Token      uint64
	OfSnapshot bool
	From       uint64
	Status     BackupStatus
	// Data are bytes of the file, or whole entries as AppendEntry encodes them, one after the
	// other: at most MaxBackupData.
	Data []byte
}

// backupPartSize is the size of one without data.
const backupPartSize = 8 + 1 + 8 + 1

func (x *BackupPart) size() int { return backupPartSize + len(x.Data) }

func (x *BackupPart) check(raft.Term) error {
	if x.Status >= backupStatuses {
		return malformed("status %d", uint8(x.Status))
	}
	return atMost("data of a backup", len(x.Data), MaxBackupData)
}

func (x *BackupPart) encode(b []byte) []byte {
	b = appendU64(b, x.Token)
	b = appendBool(b, x.OfSnapshot)
	b = appendU64(b, x.From)
	b = append(b, byte(x.Status))
	return append(b, x.Data...)
}

func (x *BackupPart) decode(r *reader) {
	x.Token = r.u64()
	x.OfSnapshot = r.bool()
	x.From = r.u64()
	x.Status = BackupStatus(r.u8())
	x.Data = r.tail()
}
