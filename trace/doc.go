// Package trace writes down what a core does, step by step, and reads it back: one file for each
// node. It is for those who hold a run of real processes against the specification afterwards.
//
// No data of users are in a file: those of an entry of type raft.EntryNormal are replaced by a
// hash of them, 8 bytes, FNV-1a of 64 bits, little-endian, which is the same in all processes, so
// that equal data stay equal. Configurations and no-ops are as they are.
//
// # Format
//
// A number is an unsigned varint, if nothing else is said; u8 and u32 are 1 and 4 bytes,
// little-endian, and a bool is a u8, 0 or 1. Text is a number and that many bytes. A position
// is its index and its term. Entries and messages are in the encodings of package wire
// (AppendEntry, AppendRaft); several of something are preceded by their number.
//
//	header  8 bytes "gaggletr", u8 version, 1, or 129 if the recording has stopped,
//	        u8 length of the node's id, the id, u32 CRC-32C of all of these
//	record  u32 length, u32 CRC-32C of what follows, and that many bytes:
//	        u8 kind, with 128 added if there is no state: it is that of the record before;
//	        what the kind says; effects; state
//	state   u8 role, hard state, text leader, commit, durable, position last,
//	        position snapshot, whole, matched, bool impaired
//
// A hard state is its term and the text of whom it voted for. A snapshot is its position, its
// configuration's index, and the text of the configuration, empty if there is none. An error is
// a u8, 0 for none, and then its text, of at most 1 KiB: 1 is none of those of raft that are told
// apart, which have the numbers from 2 on.
//
// The kinds are 1, a start, which is followed by what raft.Saved has, 2, an event, and 3, an
// update, by what raft.Update has, each in the order of the fields. An event is a u8, which says
// which one, then its fields, then the error that Step returned. A proposal is the texts of its
// entries' data. What may be missing has a bool before it. Effects are a u8 kind, and of the fields those that it sets.
//
// # Crashes
//
// What an update leads to happens after its record is in the file, and with it all records
// before; those of steps since then may be lost when the process ends. Nothing is synced: after
// the power has gone, a file may lack what others have seen, and is of no use. A record that is
// not all there, at the end of a file, is torn, and is cut off when the file is opened again. If
// something cannot be written, the recording stops, and the header is written anew, in its place.
package trace
