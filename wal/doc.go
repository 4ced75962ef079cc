// Package wal keeps what a node must not forget, its term, its vote and its log, in files
// of a vfs.Dir: a stream of blocks, of which each Append writes some with one write and one
// sync. It has no goroutines, clock or randomness; what it does follows from what it is told
// and from what the disk says.
//
// # What it promises
//
//   - What Append acknowledged is there after any crash, and what is there was appended.
//     What was not acknowledged is there up to some point, or not at all.
//   - What a disk does to the bytes later is noticed. If an entry's data are damaged, its
//     index and term are still known (Recovered.Faulty), so that the node does not forget
//     what it acknowledged, and gets the data from others. If more is damaged than that, the
//     log says so (Recovered.Lost), and takes no more writes.
//   - A sync that failed is the last one. What is read back when a log is opened is written
//     and synced again, if it is not certain that it was durable, before it counts.
//   - A full disk is not a failure: nothing of the batch counts, and it may be tried again.
//
// The rest of this text specifies the format, version 1. All numbers are unsigned and
// little-endian: u16, u32 and u64 are 2, 4 and 8 bytes. Checksums are CRC-32 with the
// Castagnoli polynomial (CRC-32C). A position is a u64 index and a u64 term. A sector is 512
// bytes: what a disk writes whole or not at all. Bytes that no table mentions are 0.
//
// # Files
//
//	log-N     a segment of the stream; N are 16 hexadecimal digits, 1, 2, 3, … without gaps
//	spare-N   a file that will be a segment; what is in it means nothing
//	identity  who the directory belongs to, see below
//	birth     an empty file, never written again, whose inode tells a copied directory
//
// A segment is made as a spare: of its full size and all zeros, given its header, synced,
// renamed, and the directory is synced, all before a block is written to it. A file that is
// not needed any more becomes a spare, and all zeros again. So every sector that was not
// written since is zero, and durably so. Where there is time, the zeros are written, and not
// only implied by the file's size: to write a sector then changes neither the size of the
// file nor where it lies, so that a sync has little to do.
//
// A segment begins with two sectors that say the same, of which one is enough:
//
//	offset  size
//	     0     4  checksum of the rest of the sector
//	     4     2  0 in the first, 1 in the second
//	     6     2  magic, 47 53
//	     8     2  version, 1
//	    16     8  number of the segment
//	    24     4  its size, in sectors
//	    32    16  identity of the directory
//
// Blocks follow, each directly after the one before.
//
// # Block
//
//	sectors
//	      H  header
//	      D  data of entries, one after the other, zeros up to the end of the sector
//	      H  header, once more
//
// A block begins on a sector of its own. So what was acknowledged is never written again,
// and no crash can tear it. It may hold several raft.Writes; but one with a snapshot or a
// truncation begins a block, and one with many entries takes several blocks. If a crash
// keeps only the first of these, what is there is what a shorter write would have left: the
// snapshot, the term and the truncation come before the entries, and entries come in their
// order.
//
// Each sector of a header is complete in itself, so that two copies that are damaged in
// different places make one that is whole:
//
//	offset  size
//	     0     4  checksum of the rest of the sector
//	     4     2  number of the sector in the header: 0, 1, 2, …
//	     6     2  magic, 47 4c
//	     8   504  a piece of the header
//
// The pieces together are:
//
//	offset  size
//	     0     4  checksum of all pieces but these 4 bytes
//	     4     2  version, 1
//	     6     2  flags: 1 reset, 2 truncation, 4 repair, 8 end of the segment
//	     8     4  group, 0
//	    12     4  H, at most 1041
//	    16     4  D, at most 8192
//	    20     4  N, number of entries
//	    24     8  sequence number of the block: 1, 2, 3, … through all segments
//	    32     8  number of the segment
//	    40     4  sector of the segment at which the block begins
//	    44     4  checksum (the first 4 bytes) of the block before; 0 in block 1
//	    48     8  synced: a sequence number; blocks up to it were durable before this one
//	              was written
//	    56    16  identity of the directory
//	    72    16  position before the first entry of the block
//	    88    16  position of the end of the log, after the block
//	   104     8  with a truncation: the first index that is removed
//	   112     8  index of the latest configuration at the position before the block
//	   120     8  term
//	   128     4  V, length of the vote, at most 128
//	   132     4  R, number of runs of terms
//	   136     4  I, length of data in the header
//	   140     4  S, length of the snapshot's configuration and its index; 0 without a reset
//	   144     V  vote: the id of the node that has it in this term, padded to 8 bytes
//	           S  with a reset: u64 index of the snapshot's configuration, and that
//	              configuration, as package wire has it; padded to 8 bytes
//	        16 R  runs: u64 how many entries, u64 their term
//	              bitmap, a bit for each sector of data, the lowest first, in u64s: 1 if the
//	              sector is not all zero
//	         8 N  entries: u32 length of the data, in 24 bits, and type, in 8; u32 checksum
//	           I  data of the entries whose type has bit 7 set, one after the other
//
// Term and vote are in every block. An entry's checksum is the one that it has in package
// wire, over its index, term, type and data, so that it goes with the entry from the disk of
// one node to that of another.
//
// Data of configurations are always in the header, and so are all data if they fit into
// what the header's sectors leave free: these are there twice.
//
//	reset       the log is empty and begins after a snapshot, whose last entry is the
//	            position before the block
//	truncation  the entries from an index on are removed; the position before the block is
//	            that of the entry before these
//	repair      the entries have been in the log before, and replace those, whose data
//	            were damaged; the end of the log stays where it is
//	end         no entries; the stream goes on at the beginning of the next segment
//
// There is always room for a block that marks the end of a segment, and when that is
// written, the next segment is there, by a name that is durable. So a segment that is
// missing after the mark was removed or lost.
//
// # Torn or damaged
//
// When a log is opened and a block is not as it was written, either the power went while it
// was written (it was not acknowledged and has to go), or the disk has damaged it (it may
// have been acknowledged and must not go). What tells these apart:
//
//  1. A block that a later block calls synced was durable. Whatever is wrong with it is
//     damage. To know this, everything that follows is searched for headers, also where no
//     block should begin. What is left are the blocks of the last batch.
//  2. What a crash leaves of a write are whole sectors, some new and some old, and the old
//     ones are all zero. No sector of a header is ever all zero, and of the data the bitmap
//     says which are not. So a block of the last batch was torn if a sector is all zero that
//     should not be. Then the log is cut before it, and everything after it goes.
//  3. If no sector is missing, and checksums are wrong, it is damage.
//
// If no block begins where one should, because both first sectors of its header are bad, the
// same holds for the two sectors that are known: it is torn if its first sector is zero, or
// if everything after the first is, as the last sector of a block is part of a header. The
// end of the log is where everything that follows is zero.
//
// A damaged block that can be told from a torn one is dealt with by what can still be read:
//
//   - One copy of each header sector: all entries are known. Those whose checksums are wrong
//     are faulty.
//   - Neither, but there is a block after it: that says what the end of the log was before
//     it. If the log as read so far has that position, nothing is missing (Log Matching,
//     thesis §3.5). If it ends in the same term, all that is missing was appended by the
//     leader of that term: index and term are known, and the entries are faulty, unless
//     a configuration was among them. Otherwise what is missing cannot be known: Lost.
//   - Neither, and no block before it can be read: the log begins after the position before
//     the block that comes next, if a snapshot reaches that (otherwise Lost), and Recovered
//     says that it is beheaded. Blocks follow the header of a segment directly, so one that
//     does not stands behind others: a log that was compacted is told from one that has rotted.
//   - Neither, and nothing comes after it: Lost, as term, vote and the end of the log were
//     in it.
//
// What cannot be told: if the disk turns sectors of the last batch into zeros, that looks
// torn, and is cut. Close, and Open, write a block without entries, so that this can only
// befall what was appended just before a crash. And data that look like a header, with the
// right identity, segment, sector and checksum, could be taken for one, but only where
// something is damaged already.
//
// What is cut is made zero, and that is synced, before anything is written there: a torn
// block that is overwritten and torn again would not have zeros in it. If a crash comes in
// between, the same sectors are still missing, and it is cut again. For the same reason a
// batch that failed as the disk was full is made zero before the next one is written.
//
// What was read and is not known to be durable, by 1, is written again, byte for byte, and
// synced, before Open returns. A process that ends, even because a sync failed, leaves its
// writes in the memory of the operating system, marked as written; to sync them without
// writing them again would prove nothing.
//
// # Where entries are
//
// Of the entries that are not in memory, the log keeps only where they are, one place for
// every 16 KiB of the stream, and their terms, one for each run of the same. A gigabyte of
// the smallest blocks takes 2 MiB.
//
// # Identity
//
// The file identity is two sectors that say the same, of which one is enough. It is replaced
// as a whole: written aside, synced, renamed, and the directory synced.
//
//	offset  size
//	     0     4  checksum of the rest of the sector
//	     4     2  0 in the first, 1 in the second
//	     6     2  magic, 47 49
//	     8     2  version, 1
//	    10     1  length of the node's id, 1 to 128
//	    11     1  length of the cluster's name
//	    12     4  size of the cluster
//	    16     8  how many times the directory was started
//	    24     8  inode of the file birth; 0 if not known
//	    32    16  identity of the directory, random
//	    48        the node's id, then the cluster's name
package wal
