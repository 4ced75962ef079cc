package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// altered returns the sealed bytes of a golden file with some bytes replaced.
func altered(t *testing.T, name string, at int, with ...byte) []byte {
	t.Helper()
	b := readGolden(t, goldenPath(name))
	copy(b[at:], with)
	seal(b)
	return b
}

func u32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

// Where things are in the golden files.
const (
	goldenMessage = frameHeader + len("node-a") + len("n-b")
	goldenBody    = goldenMessage + messageHeader
	goldenEntries = goldenBody + termSize + appendEntriesSize
	// A Hello goes to all.
	goldenClaims = goldenBody - len("n-b") + 4 + 1 + 6 + 12 + 5 + 33 + 16
)

func TestBytesThatNoFrameIsWrittenAsAreRefused(t *testing.T) {
	ids := appendFrame(nil, frameOf(&Hello{Pledge: repeat[raft.NodeID]("a", MaxMembers+1)}))
	charters := appendFrame(nil, frameOf(&Hello{Abandoned: make([]ClusterID, MaxAbandoned+1)}))
	claims := appendFrame(nil, frameOf(&Hello{Contested: repeat(Claim{"a", 1, 1}, MaxContested+1)}))
	positions := appendFrame(nil, frameOf(&FetchEntries{Positions: make([]raft.Position, MaxFetch+1)}))
	fetched := appendFrame(nil, frameOf(&FetchedEntries{Entries: run(MaxFetch+1, raft.Entry{Term: 1})}))
	command := appendFrame(nil, frameOf(&Proposals{Entries: [][]byte{make([]byte, MaxEntryData+1)}}))
	for _, c := range []struct {
		name  string
		want  error
		where string
		frame []byte
	}{
		{"a frame without an envelope", ErrMalformed, "9 bytes", wrap([]byte{version})},
		{"a frame that ends in its ids", ErrMalformed, "ids", wrap(append([]byte{version, 2, 2, 0}, make([]byte, 23)...))},
		{"a reserved byte of the frame", ErrMalformed, "reserved", altered(t, "empty", 11, 1)},
		{"a first reserved byte of a message", ErrMalformed, "message 0 (TimeoutNow): reserved", altered(t, "TimeoutNow", goldenMessage+1, 1)},
		{"a last reserved byte of a message", ErrMalformed, "reserved", altered(t, "TimeoutNow", goldenMessage+3, 1)},
		{"kind 0", ErrMalformed, "kind(0)", altered(t, "TimeoutNow", goldenMessage, 0)},
		{"an unknown kind of raft's", ErrMalformed, "kind(9)", altered(t, "TimeoutNow", goldenMessage, 9)},
		{"an unknown kind", ErrMalformed, "(kind(33)): byte 0: there is no such kind", altered(t, "ReadIndex", goldenMessage, 33)},
		{"a message that is too short", ErrMalformed, "7 bytes", wrap(readGolden(t, goldenPath("TimeoutNow"))[8 : goldenMessage+7])},
		{"a body longer than the frame", ErrMalformed, "its body has 4294967295 bytes", altered(t, "ReadIndex", goldenMessage+4, u32(math.MaxUint32)...)},
		{"a bool of 2", ErrMalformed, "byte 10: a bool of 2", altered(t, "RequestVote", goldenBody+9, 2)},
		{"a large number of entries", ErrTooLarge, "entries", altered(t, "AppendEntries", goldenEntries-4, u32(math.MaxUint32)...)},
		{"more entries than bytes", ErrMalformed, "6 entries", altered(t, "AppendEntries", goldenEntries-4, u32(6)...)},
		{"fewer entries than bytes", ErrMalformed, "after the end", altered(t, "AppendEntries", goldenEntries-4, u32(2)...)},
		{"a large entry", ErrTooLarge, "entry 0: data of an entry", altered(t, "AppendEntries", goldenEntries, u32(math.MaxUint32)...)},
		{"an entry longer than the message", ErrMalformed, "entry 0: an entry of 544 bytes", altered(t, "AppendEntries", goldenEntries, u32(512)...)},
		{"an entry's wrong checksum", ErrChecksum, "message 0 (AppendEntries): byte 44: entry 0", altered(t, "AppendEntries", goldenEntries+4, 0)},
		// The byte in the text says that it was seen before there was a list.
		{"many ids", ErrTooLarge, "byte 7: ids: 65", ids},
		{"many charters", ErrTooLarge, "byte 9: abandoned charters: 65", charters},
		{"many claims", ErrTooLarge, "byte 26: contested claims: 17", claims},
		{"more claims than bytes", ErrMalformed, "3 contested claims", altered(t, "Hello", goldenClaims, 3)},
		{"many positions", ErrTooLarge, "byte 1: positions: 65", positions},
		{"more positions than bytes", ErrMalformed, "3 positions", altered(t, "FetchEntries", goldenBody, 3)},
		{"fewer positions than bytes", ErrMalformed, "after the end", altered(t, "FetchEntries", goldenBody, 1)},
		{"many fetched entries", ErrTooLarge, "byte 1: entries: 65", fetched},
		{"more fetched entries than bytes", ErrMalformed, "9 entries", altered(t, "FetchedEntries", goldenBody, 9)},
		{"fewer fetched entries than bytes", ErrMalformed, "after the end", altered(t, "FetchedEntries", goldenBody, 1)},
		{"a fetched entry's wrong checksum", ErrChecksum, "entry 0", altered(t, "FetchedEntries", goldenBody+5, 0)},
		{"a large command", ErrTooLarge, "byte 8: a command", command},
		{"more commands than bytes", ErrMalformed, "commands", altered(t, "Proposals", goldenBody, u32(1000)...)},
		{"a command longer than the message", ErrMalformed, "", altered(t, "Proposals", goldenBody+4, u32(1000)...)},
		{"a configuration that is too long", ErrMalformed, "", altered(t, "InstallSnapshot", goldenBody+40, 4)},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := checkCanonical(t, c.frame)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.where) {
				t.Fatalf("%v, want %v with %q", err, c.want, c.where)
			}
		})
	}
}

func TestAnEntryWithReservedBytesInUseIsRefused(t *testing.T) {
	for i := 25; i < EntryOverhead; i++ {
		b := AppendEntry(nil, &raft.Entry{Index: 1, Term: 1})
		b[i] = 1
		sealEntry(b)
		if _, _, err := DecodeEntry(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("byte %d: %v", i, err)
		}
	}
}

func TestZerosAreNoEntry(t *testing.T) {
	// What a disk has where nothing was written.
	if _, _, err := DecodeEntry(make([]byte, 4096)); !errors.Is(err, ErrChecksum) {
		t.Error(err)
	}
}

func TestAnotherVersionIsNamed(t *testing.T) {
	b := altered(t, "empty", 8, 7)
	err := decode(b)
	var v *VersionError
	if !errors.As(err, &v) || v.Got != 7 || v.Known != version || !errors.Is(err, ErrVersion) {
		t.Fatal(err)
	}
	if text := err.Error(); !strings.Contains(text, "version 7") || !strings.Contains(text, "version 2") {
		t.Error(text)
	}
	// All else may be different in another version.
	if err := decode(wrap([]byte{1})); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
}

// allocated is how many bytes a function allocates: the least of some runs, because
// what the rest of the process allocates is counted too.
func allocated(f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

func TestACountIsRefusedBeforeAnythingIsAllocatedForIt(t *testing.T) {
	for _, b := range [][]byte{
		altered(t, "AppendEntries", goldenEntries-4, u32(math.MaxUint32)...),
		altered(t, "AppendEntries", goldenEntries-4, u32(MaxEntries)...),
		altered(t, "AppendEntries", goldenEntries, u32(math.MaxUint32)...),
		altered(t, "AppendEntries", goldenEntries, u32(MaxEntryData)...),
		altered(t, "Proposals", goldenBody, u32(math.MaxUint32)...),
		altered(t, "Proposals", goldenBody, u32(MaxEntries)...),
		altered(t, "Proposals", goldenBody+4, u32(math.MaxUint32)...),
		altered(t, "Proposals", goldenBody+4, u32(MaxEntryData)...),
	} {
		var err error
		d, f := new(Decoder), new(Frame)
		bytes := allocated(func() { err = d.Decode(b, f) })
		if err == nil || bytes > 2048 {
			t.Errorf("%d bytes are allocated for a frame of %d: %v", bytes, len(b), err)
		}
	}
}

// expensive are frames that cost memory, for their size.
func expensive() map[string][]byte {
	var members []raft.NodeID
	for i := range MaxMembers {
		members = append(members, raft.NodeID([]byte{byte(i)}))
	}
	conf := appendConfiguration(nil, raft.Configuration{Voters: members, Outgoing: members})
	// Four full lists, which are refused only after they have been read.
	invalid := append(bytes.Clone(conf[:len(conf)-2]), conf[:len(conf)-2]...)
	entry := raft.Entry{Index: 1, Term: 1, Type: raft.EntryConfiguration}
	frames := map[string]*Frame{
		"no-ops":  entriesFrame(raft.Position{}, 1, run(MaxEntries/2, raft.Entry{Term: 1, Type: raft.EntryNoOp})...),
		"replies": frameOf(repeat[any](&raft.Message{From: "a", To: "b", Term: 1, Body: &raft.VoteReply{}}, MaxMessages)...),
		"resets":  frameOf(repeat[any](&raft.Message{From: "a", To: "b", Term: 1, Body: &raft.TimeoutNow{}}, MaxMessages)...),
		"refused": frameOf(repeat[any](&ProposalsRefused{}, MaxMessages)...),
		"fetches": frameOf(repeat[any](&FetchEntries{Positions: []raft.Position{{Index: 1, Term: 1}}}, MaxMessages)...),
		"fetched": frameOf(repeat[any](&FetchedEntries{Entries: run(MaxFetch, raft.Entry{Term: 1, Type: raft.EntryNoOp})}, MaxMessages/4)...),
		"claims":  frameOf(repeat[any](&Hello{Contested: repeat(Claim{"a", 1, 1}, MaxContested)}, MaxMessages)...),
		"hashes":  frameOf(repeat[any](&StateHash{Index: 1}, MaxMessages)...),
		"backups": frameOf(repeat[any](&FetchBackup{}, MaxMessages)...),
		"outlines": frameOf(repeat[any](&BackupOutline{Last: raft.Position{Index: 1, Term: 1},
			Configuration: raft.Configuration{Voters: members[:1]}}, MaxMessages)...),
		"parts":   frameOf(repeat[any](&BackupPart{}, MaxMessages)...),
		"hellos":  frameOf(repeat[any](&Hello{Pledge: members, Charter: members}, MaxMessages)...),
		"empty":   frameOf(&Proposals{Entries: make([][]byte, MaxEntries)}),
		"appends": frameOf(repeat[any](&raft.Message{From: "a", To: "b", Term: 1, Body: &raft.AppendEntries{}}, MaxMessages)...),
	}
	entry.Data = conf
	frames["configurations"] = entriesFrame(raft.Position{}, 1, run(1000, entry)...)
	entry.Data = invalid
	frames["an invalid configuration"] = entriesFrame(raft.Position{}, 1, entry)
	all := make(map[string][]byte)
	for name, f := range frames {
		all[name] = appendFrame(nil, f)
	}
	// Nothing is left after the first command, for which all others are there.
	short := bytes.Clone(all["empty"])
	at := messagesAt(short)[0] + messageHeader + 4
	copy(short[at:], u32(MaxEntryData-1))
	seal(short)
	all["short"] = short
	return all
}

// run gives n entries like e, from index 1 on.
func run(n int, e raft.Entry) []raft.Entry {
	entries := repeat(e, n)
	for i := range entries {
		entries[i].Index = raft.Index(i + 1)
	}
	return entries
}

func TestWhatIsAllocatedIsInProportionToWhatIsReceived(t *testing.T) {
	for name, b := range expensive() {
		var err error
		got := allocated(func() {
			var d Decoder
			var f Frame
			err = d.Decode(b, &f)
		})
		t.Logf("%s: %d bytes for %d, %.1f times, %v", name, got, len(b), float64(got)/float64(len(b)), err)
		if got > 20*uint64(len(b)) {
			t.Errorf("%s: %d bytes for %d", name, got, len(b))
		}
	}
}
