// Package snapshot keeps snapshots of a replicated state in files of a directory.
//
// A Store is the snapshots of one directory. Create writes one, Open reads one, Receive
// takes one that comes in pieces from another node and can be continued after a restart.
// Import takes one from a stream, whatever cluster it is of; Verify and Inspect only look.
// Nothing here has a goroutine, a clock or chance in it: the same calls do the same things.
//
// # What it promises
//
// A snapshot is found whole or not at all, whatever crashes: it is written under another
// name, synced, renamed, and the directory synced, in this order. What it stands for and
// the data are in one file, so neither is ever found without the other. A write or a
// sync that fails is final for its file, which is removed. Damage to any byte is found when
// it is read, and before anything of its chunk is handed out. The same cluster, meta and
// content make the same bytes on every node, so that Identity says whether two files are
// the same, and a transfer can be continued from another node that has it.
//
// # Names
//
// All numbers in names are 16 digits of lower-case hexadecimal.
//
//	snapshot-INDEX-TERM             a snapshot, whole
//	snapshot-INDEX-TERM.tmp         one that is being written
//	incoming-INDEX-TERM-SIZE-SUM    one that is being received
//
// Files of other names are not touched. What a file says counts; a name that says
// something else makes it a damaged one.
//
// # Format
//
// Version 1. Numbers are unsigned and little-endian, of the width given. A checksum is a
// CRC-32 with the Castagnoli polynomial. A file is a header, chunks and a footer:
//
//	offset  size  header
//	     0     8  "gagglesn"
//	     8     4  version, 1
//	    12     4  N, the length of the configuration, at most 33,284
//	    16    16  cluster
//	    32     8  index of the last entry that it stands for, not 0
//	    40     8  term of that entry, not 0
//	    48     8  index of the entry that set the configuration, 0 if none did
//	    56     N  configuration, as raft.Configuration encodes it
//	  56+N     4  checksum of all before it
//
//	offset  size  chunk
//	     0     4  L, the length of the data: 262,144, in the last chunk 1 to 262,144
//	     4     4  checksum of: the header's checksum, u64 number of the chunk, counted from
//	              0, u32 L, the data
//	     8     L  data
//
//	offset  size  footer
//	     0     4  0, which no chunk begins with
//	     4     4  checksum of: the header's checksum, the 16 bytes that follow
//	     8     8  length of the data in all chunks together
//	    16     8  sum: CRC-64 with the ECMA polynomial of the header and the first 8 bytes
//	              of every chunk
//
// A chunk's checksum begins with the header's and its number, so a chunk of another file, or
// in another place, is a damaged one. All chunks but the last are of one length, so that
// the place of each is known. A file without data has no chunk.
package snapshot
