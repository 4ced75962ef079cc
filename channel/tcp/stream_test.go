package tcp

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

func TestMalformedRecordsAreErrors(t *testing.T) {
	for name, data := range malformedRecords() {
		t.Run(name, func(t *testing.T) {
			s := newStream(bytes.NewReader(data))
			for {
				_, err := s.next()
				if errors.Is(err, errRecord) {
					return
				}
				if err != nil {
					t.Fatalf("%v, want a malformed record", err)
				}
			}
		})
	}
}

func TestAStreamEndsBetweenRecordsOnly(t *testing.T) {
	large := make([]byte, 2*pieceBytes+1)
	whole := appendFrame(nil, []byte("small"))
	whole, rest := appendFirst(whole, large)
	ends := map[int]bool{0: true, headerBytes + len("small"): true}
	for len(rest) > 0 {
		whole, rest = appendNext(whole, rest)
	}
	whole = appendPeers(whole, []contact{{"a", "b:1"}})
	ends[len(whole)] = true
	ends[headerBytes+len("small")+3*headerBytes+sizeBytes+len(large)] = true

	for _, cut := range cuts(len(whole)) {
		s := newStream(bytes.NewReader(whole[:cut]))
		var err error
		for err == nil {
			_, err = s.next()
		}
		want := io.ErrUnexpectedEOF
		if ends[cut] {
			want = io.EOF
		}
		if !errors.Is(err, want) {
			t.Errorf("cut after %d of %d bytes: %v, want %v", cut, len(whole), err, want)
		}
	}
}

// cuts returns places to cut a stream: all near its ends, and some in between.
func cuts(n int) []int {
	var at []int
	for i := range n + 1 {
		if i < 50 || i > n-50 || i%997 == 0 {
			at = append(at, i)
		}
	}
	return at
}

func TestAFrameHasMemoryOfItsOwn(t *testing.T) {
	data := appendFrame(nil, []byte("first"))
	data = appendFrame(data, []byte("other"))
	s := newStream(bytes.NewReader(data))
	first, _ := s.next()
	second, _ := s.next()
	clear(second.frame)
	if string(first.frame) != "first" {
		t.Errorf("the first frame became %q when the second changed", first.frame)
	}
	if cap(first.frame) != len(first.frame) {
		t.Errorf("a frame of %d bytes holds %d", len(first.frame), cap(first.frame))
	}
}

func TestAFrameIsNotMadeBeforeItsSizeIsChecked(t *testing.T) {
	s := newStream(bytes.NewReader(malformedRecords()["first of a huge frame"]))
	_, err := s.next()
	if !errors.Is(err, errRecord) || s.large != nil {
		t.Errorf("%v, and %d bytes were made", err, len(s.large))
	}
}

func TestPeersTakeAsManyRecordsAsTheyNeed(t *testing.T) {
	longID := bytes.Repeat([]byte("i"), channel.MaxNodeID)
	longAddress := bytes.Repeat([]byte("a"), maxAddress)
	for _, n := range []int{0, 1, peersPerRecord, peersPerRecord + 1, 3 * peersPerRecord} {
		var sent, got []contact
		for range n {
			sent = append(sent, contact{raft.NodeID(longID), string(longAddress)})
		}
		s := newStream(bytes.NewReader(appendPeers(nil, sent)))
		for {
			a, err := s.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%d peers: %v", n, err)
			}
			got = append(got, a.peers...)
		}
		if len(got) != n {
			t.Errorf("%d peers of %d arrived", len(got), n)
		}
	}
}
