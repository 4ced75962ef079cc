package snapshot

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/ben-ng/gaggle/wire"
)

// FuzzAnyBytesAreASnapshotOrAreRefused gives the same bytes to all that reads: they agree on
// whether these are a snapshot, and if so, writing what they read makes the same bytes.
func FuzzAnyBytesAreASnapshotOrAreRefused(f *testing.F) {
	for _, size := range []int{0, 1, 100} {
		s := open(f, newDisk())
		f.Add(raw(f, s, mustWrite(f, s, 7, content(size, 1))), false)
		f.Add(raw(f, s, mustWrite(f, s, 8, content(size, 1))), true)
	}
	f.Add([]byte(magic), false)
	f.Fuzz(func(t *testing.T, file []byte, mend bool) {
		if mend {
			file = mended(bytes.Clone(file))
		}
		info, err := Verify(bytes.NewReader(file))
		d := newDisk()
		s, _ := Open(d, cmp.Or(info.Cluster, ours))
		imported, importErr := s.Import(bytes.NewReader(file))
		if (err == nil) != (importErr == nil) || imported.Cluster == info.Cluster && imported.Identity() != info.Identity() {
			t.Fatalf("verify: %v, import: %v", err, importErr)
		}
		if err != nil {
			if !isBad(err) || len(d.names) > 0 {
				t.Fatalf("%v, left are %d files", err, len(d.names))
			}
			notUsable(t, file)
			return
		}
		data, err := read(s, imported)
		if err != nil {
			t.Fatal(err)
		}
		if info.Cluster == (wire.ClusterID{}) {
			return // no store writes it
		}
		same, _ := Open(newDisk(), info.Cluster)
		again, err := write(same, info.Meta, data)
		if err != nil || !bytes.Equal(raw(t, same, again), file) {
			t.Fatalf("written again it is other bytes: %v", err)
		}
	})
}

// notUsable places the bytes under the name that they claim.
func notUsable(t *testing.T, file []byte) {
	at := metaAt(7).Last
	if h, err := decodeAny(file); err == nil {
		at = h.meta.Last
	}
	d := newDisk()
	place(d, wholeName(at), file)
	s, err := Open(d, wire.ClusterID{})
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range s.List() {
		if s.Verify(info) == nil {
			t.Fatal("a file is a snapshot that is none as a stream")
		}
	}
}

func decodeAny(file []byte) (header, error) {
	if len(file) < headerStart {
		return header{}, errChecksum
	}
	n, err := headerSize(file)
	if err != nil || n > len(file) {
		return header{}, errChecksum
	}
	return decodeHeader(file[:n])
}

// mended makes the checksums right of a file of one chunk, as far as there are parts, so that
// what is behind them is reached.
func mended(file []byte) []byte {
	if len(file) < headerFixed+checksumSize {
		return file
	}
	length := headerFixed + int(binary.LittleEndian.Uint32(file[12:])%maxConfiguration) + checksumSize
	if length > len(file) {
		return file
	}
	end := length - checksumSize
	binary.LittleEndian.PutUint32(file[end:], crc32.Checksum(file[:end], castagnoli))
	h, err := decodeAny(file)
	if err != nil {
		return file
	}
	rest := file[length:]
	if len(rest) > footerSize+frameSize {
		h.seal(rest[:len(rest)-footerSize], 0)
	}
	if len(rest) >= footerSize {
		tail := rest[len(rest)-footerSize:]
		binary.LittleEndian.PutUint32(tail[4:], h.footerChecksum(tail))
	}
	return file
}
