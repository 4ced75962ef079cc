// Package wire is what nodes say to each other, and the bytes in which they say it.
//
// A Frame is the unit that travels: an envelope (from whom, to whom, of which
// cluster and group) and some messages. AppendFrame makes bytes of a Frame, a
// Decoder makes a Frame of bytes. AppendEntry and DecodeEntry do the same for one
// log entry; EntryChecksum is for a disk, which keeps the same checksum of it in another
// layout. All functions are safe for concurrent use; a Decoder is not.
//
// The rest of this text specifies the format, version 2.
//
// # Conventions
//
// All numbers are unsigned and little-endian, of the width given: u8, u16, u32 and
// u64 are 1, 2, 4 and 8 bytes. There is no padding but what the tables show.
//
//	bool       u8, 0 or 1
//	id         u8 length, 1 to 128, then that many bytes: a node's identity
//	ids        u8 count, at most 64, then that many of id
//	name       u8 length, then that many bytes
//	cluster    16 bytes: a cluster's identity
//	position   u64 index, u64 term
//	claim      id, u64 starts, not 0, u64 nonce
//	checksum   u32, CRC-32 with the Castagnoli polynomial (CRC-32C, as in iSCSI)
//	rest       bytes up to the end of the message, possibly none
//
// Each value has one encoding. Whatever a node writes it would read back as the
// same value, and whatever it reads it would write as the same bytes. Reserved bytes
// that are not 0, bools that are not 0 or 1, numbers that name nothing, and bytes
// after the end are therefore refused.
//
// # Frame
//
//	offset  size
//	     0     4  length of all that follows this number
//	     4     4  checksum of all that follows this number
//	     8     1  version, 2
//	     9     1  F, the length of From, 1 to 128
//	    10     1  T, the length of To, 0 to 128; 0 is a broadcast
//	    11     1  reserved, 0
//	    12     4  group number
//	    16    16  cluster
//	    32     F  From: the id of the sender
//	  32+F     T  To: the id of the receiver
//	32+F+T        messages, up to the end, at most 4096
//
// A frame is at most 4 MiB (4,194,304 bytes) long, its length included.
//
// # Message
//
//	offset  size
//	     0     1  kind
//	     1     3  reserved, 0
//	     4     4  N, the length of the body
//	     8     N  body
//
// Kinds 1 to 15 are messages of Raft. Their bodies begin with the u64 term of the
// message, which is not 0; their sender and receiver are the frame's, which is
// therefore not a broadcast.
//
//	1  RequestVote       u64 term, bool pre-vote, bool transfer, position last
//	2  VoteReply         u64 term, bool pre-vote, bool granted
//	3  AppendEntries     u64 term, u64 session, position prev, u64 commit,
//	                     u32 count, then that many entries
//	4  AppendReply       u64 term, u64 session, u64 index, bool rejected,
//	                     position hint
//	5  Heartbeat         u64 term, u64 session, u64 commit, u64 read sequence
//	6  HeartbeatReply    u64 term, u64 session, u64 read sequence
//	7  InstallSnapshot   u64 term, u64 session, position last,
//	                     u64 configuration index, rest configuration
//	8  TimeoutNow        u64 term
//
// One of these that is in no frame, as in a file, has the id of its sender and that of its
// receiver before it (AppendRaft).
//
// The others are messages between the layers above Raft.
//
//	16  Hello             u32 size, u8 state, name, ids pledge, ids charter,
//	                      u8 count, at most 64, then that many of cluster,
//	                      u64 starts, u64 nonce,
//	                      u8 count, at most 16, then that many of claim
//	17  Proposals         u32 count, then that many of: u32 length and the command
//	18  ProposalsRefused  u8 reason
//	19  ReadIndex         u64 token
//	20  ReadIndexReply    u64 token, bool ok, u64 index
//	21  Call              u64 id, u64 timeout in milliseconds, name, rest payload
//	22  CallReply         u64 id, u8 status, rest payload
//	23  Retired           u64 index, not 0
//	24  SnapshotChunk     u64 term, u64 session, position last, u64 size, u64 sum,
//	                      u64 offset, rest data
//	25  SnapshotReply     u64 session, position last, u64 sum, u64 next, u8 status
//	26  FetchEntries      u8 count, 1 to 64, then that many of position
//	27  FetchedEntries    u8 count, at most 64, then that many entries
//	28  StateHash         u64 index, not 0, u64 hash
//	29  FetchBackup       u64 token
//	30  BackupOutline     u64 token, position base, position last,
//	                      position snapshot, u64 size, u64 sum,
//	                      rest configuration
//	31  FetchBackupPart   u64 token, bool of the snapshot, u64 from
//	32  BackupPart        u64 token, bool of the snapshot, u64 from, u8 status,
//	                      rest data
//
// A command is at most as long as the data of an entry, and there are at most 131072
// in a message. A payload is at most 1 MiB. The data of a chunk are at most 256 KiB
// (262,144 bytes), and end within the size, which is not 0. The last of a snapshot, and
// each position in FetchEntries, has neither index 0 nor term 0. The term of a chunk is
// not less than that of its last.
//
// These are the numbers of the constants HelloState, RefusalReason and CallStatus:
//
//	state   0 fresh, 1 member, 2 standby
//	reason  0 not leader, 1 busy
//	status  0 done, 1 failed, 2 not leader, 3 unknown, 4 busy, 5 uncertain
//
// and these, for SnapshotReply, of SnapshotStatus:
//
//	status  0 wanted, 1 installed, 2 refused
//
// and these, for BackupPart, of BackupStatus:
//
//	status  0 here, 1 gone, 2 busy
//
// The last of a BackupOutline is not 0, nor below its base. Its base and snapshot are
// each 0 in both numbers or in none. Where there is no snapshot, base, size and sum are 0;
// where there is one, it lies from base to last, and size is not 0. The data of a BackupPart
// are at most 2 MiB (2,097,152 bytes).
//
// # Entry
//
//	offset  size
//	     0     4  D, the length of the data, at most 1 MiB + 4 KiB (1,052,672)
//	     4     4  checksum of all that follows this number
//	     8     8  index, not 0
//	    16     8  term, not 0
//	    24     1  type: 0 normal, 1 no-op, 2 configuration
//	    25     7  reserved, 0
//	    32     D  data
//
// A no-op has no data, and a configuration that which is described below. The
// checksum goes with the entry from the disk of one node to that of another: the format
// on a disk has it too, over the same bytes, though it keeps them in another layout. That
// of the frame only protects the way.
//
// The entries of one AppendEntries follow its prev: their indexes are consecutive
// from prev's, their terms never fall and lie between that of prev and that of the
// message. Prev's index and term are both 0 or both not. A snapshot's last index and
// term are not 0, its term is at most that of the message, and its configuration
// index is at most its last index.
//
// The positions of FetchEntries, and the entries of FetchedEntries, are some of a log:
// their indexes ascend, and their terms never fall. All entries of one FetchedEntries
// take at most 4,193,964 bytes.
//
// # Configuration
//
// Four lists of ids follow each other: voters, outgoing voters, learners, and outgoing
// voters that will be learners. A list is a count, at most 64, and that many of: a
// length, 1 to 128, and the bytes of an id. Counts and lengths are one byte, except
// that 128 is the two bytes 80 01 (a varint). The ids of a list ascend, as bytes. There
// is a voter; no learner is a voter or an outgoing voter; whoever is in the last list
// is in the second and not in the first.
//
// # Versions
//
// In every version, the first nine bytes of a frame mean what they mean here. So a
// reader can always find the end of a frame, check that it is whole, and tell its
// version.
//
// A node refuses a frame of a version that it does not know, with a VersionError
// that names both, and a message of a kind that it does not know, with ErrMalformed.
// It never skips what it does not understand: a node that ignored half of what it is
// told would answer for things it has not done. Any change to these tables, be it one
// more kind or one more status, is a new version. The files in testdata are the
// bytes of version 2: they never change once it is released. Version 1 never was.
//
// # Hostile bytes
//
// Checksums detect accidents, not intent. Decoding is safe for any bytes: it does not
// panic, and all that it allocates is at most 20 times as large as what was received
// (and the text of an error), because every count is compared with the bytes that are
// there before anything is allocated for it.
package wire
