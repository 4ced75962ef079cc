package wire

import "github.com/ben-ng/gaggle/raft"

// Limits. AppendFrame and Decode refuse what exceeds them with ErrTooLarge.
const (
	// MaxFrame is the longest frame, in bytes, its length included. It is what every
	// channel must carry.
	MaxFrame = 4 << 20
	// MaxNodeID is the longest node identity, in bytes: the longest that a
	// configuration may hold.
	MaxNodeID = raft.MaxNodeIDLen
	// MaxName is the longest name, in bytes: that of a node in Hello, which may be a
	// host name of the DNS, or of a handler in Call.
	MaxName = 255
	// MaxMembers is the most ids in each list of a Hello: the most that a configuration
	// may hold.
	MaxMembers = raft.MaxMembers
	// MaxAbandoned is the most ids of charters in a Hello. It keeps a Hello, which is
	// broadcast again and again, small.
	MaxAbandoned = 64
	// MaxContested is the most contested claims in a Hello. There are none unless
	// somebody has made a mistake, and whoever is not named now is named later.
	MaxContested = 16
	// MaxMessages is the most messages in a frame. What a message costs its receiver
	// beyond its bytes is paid for at most this often at a time.
	MaxMessages = 4096
	// MaxEntryData is the most data in an entry, and the longest command in Proposals,
	// in bytes: a command of 1 MiB, and room for what the layers around it add.
	MaxEntryData = 1<<20 + 4<<10
	// MaxEntries is the most entries in an AppendEntries, and the most commands in
	// Proposals. No frame has room for more entries, so that for AppendEntries only
	// sizes matter.
	MaxEntries = MaxFrame / EntryOverhead
	// MaxCallPayload is the largest payload of a Call or CallReply, in bytes. It is
	// that of the largest command, so that what can be asked for can be proposed.
	MaxCallPayload = 1 << 20
	// MaxChunkData is the most data in a SnapshotChunk, in bytes: so little that the
	// heartbeats behind it do not wait for long, and so much that the rest of the frame
	// is nothing beside it.
	MaxChunkData = 256 << 10
	// MaxFetch is the most entries that can be asked for at a time, and the most in a
	// FetchedEntries.
	MaxFetch = 64
	// MaxBackupData is the most data in a BackupPart, in bytes: it holds the largest entry.
	MaxBackupData = 2 << 20
)

// Sizes, for those who decide what goes into a frame.
const (
	// EntryOverhead is what an entry takes beyond its data, in bytes.
	EntryOverhead = 32
	// FrameOverhead is the most that a frame takes beyond its messages, in bytes.
	FrameOverhead = frameHeader + 2*MaxNodeID
	// FrameCapacity is what the messages of one frame may take together, by
	// MessageSize, whatever the ids of its sender and receiver are.
	FrameCapacity = MaxFrame - FrameOverhead
	// EntriesCapacity is what the entries of one AppendEntries may take together, by
	// EntrySize, so that it fits into a frame alone, and those of one FetchedEntries.
	// raft.Entry.Size counts the same.
	EntriesCapacity = FrameCapacity - messageHeader - termSize - appendEntriesSize
)

const (
	// framePrefix is the part of a frame that is the same in every version.
	framePrefix   = 9
	frameHeader   = 32
	messageHeader = 8
	termSize      = 8
)
