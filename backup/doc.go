// Package backup makes one file of what a cluster has agreed on, and reads it again.
//
// Take writes the file from a Source: a member of the cluster, in the same process or, with
// Dial, somewhere on a channel. The file holds everything that was acknowledged before Take
// was called, up to one entry of the log and not beyond it, while the cluster goes on. NewReader
// and Verify read one.
//
// A file is the same whichever member it comes from, byte for byte, if these have the same
// entries left and the same snapshot.
//
// # Format
//
// Version 1. Numbers are unsigned and little-endian, of the width given. A position is a u64
// index and a u64 term. A file is a header, parts and a footer:
//
//	offset  size  header
//	     0     8  "gagglebk"
//	     8     4  version, 1
//	    12     4  L, the length of what follows in the header, at most 65,536
//	    16    16  cluster: its identity
//	    32    16  base: the position before the first entry, 0 where the log begins
//	    48    16  last: the position of the last entry, each 1 to 2^63-1
//	    64    16  the position of the snapshot, 0 if there is none
//	    80     8  S, the length of the snapshot's file
//	    88     8  the checksum of that file
//	    96     1  N, the length of the cluster's name
//	    97     N  name
//	  97+N        configuration in effect at last, as raft.Configuration encodes it
//
//	offset  size  part
//	     0     4  D, the length of the data, 1 to 2,097,152
//	     4     D  data
//
//	offset  size  footer
//	     0     4  0, which no part begins with
//	     4    32  SHA-256 of all before it
//
// The data of the first parts are together the S bytes of the snapshot's file, in the format
// of package snapshot; each of the others is whole entries from base to last, in the format
// of package wire. So the sum in the footer covers everything, and the snapshot's chunks and
// the entries have checksums of their own.
package backup
