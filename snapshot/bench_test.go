package snapshot

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// realDir is as much of a directory of the operating system as a Store needs.
type realDir struct {
	vfs.Dir
	path string
}

type realFile struct{ *os.File }

func (f realFile) Size() (int64, error) {
	stat, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return stat.Size(), nil
}

func (d realDir) at(name string) string { return filepath.Join(d.path, name) }

func (d realDir) Create(name string) (vfs.File, error) {
	f, err := os.OpenFile(d.at(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return realFile{f}, err
}

func (d realDir) Open(name string) (vfs.File, error) {
	f, err := os.OpenFile(d.at(name), os.O_RDWR, 0)
	return realFile{f}, err
}

func (d realDir) Rename(from, to string) error { return os.Rename(d.at(from), d.at(to)) }
func (d realDir) Remove(name string) error     { return os.Remove(d.at(name)) }
func (d realDir) Free() (int64, error)         { return 1 << 40, nil }

func (d realDir) List() ([]string, error) {
	entries, err := fs.ReadDir(os.DirFS(d.path), ".")
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func (d realDir) Sync() error {
	f, err := os.Open(d.path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

const benchSize = 256 << 20

func BenchmarkWrite(b *testing.B) {
	s := open(b, realDir{path: b.TempDir()})
	piece := content(1<<20, 1)
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for index := raft.Index(1); b.Loop(); index++ {
		w, err := s.Create(metaAt(index))
		if err != nil {
			b.Fatal(err)
		}
		for range benchSize / len(piece) {
			if _, err := w.Write(piece); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := w.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	s := open(b, realDir{path: b.TempDir()})
	info := mustWrite(b, s, 7, make([]byte, benchSize))
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Verify(info); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSend reads the raw bytes in the pieces in which a leader sends them.
func BenchmarkSend(b *testing.B) {
	s := open(b, realDir{path: b.TempDir()})
	info := mustWrite(b, s, 7, make([]byte, benchSize))
	piece := make([]byte, 256<<10)
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		r, err := s.Open(info)
		if err != nil {
			b.Fatal(err)
		}
		for offset := int64(0); err == nil; offset += int64(len(piece)) {
			_, err = r.ReadRaw(piece, offset)
		}
		if !errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReceive(b *testing.B) {
	from := open(b, realDir{path: b.TempDir()})
	info := mustWrite(b, from, 7, make([]byte, benchSize))
	sent := raw(b, from, info)
	b.SetBytes(benchSize)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := receive(realDir{path: b.TempDir()}, sent, info.Identity()); err != nil {
			b.Fatal(err)
		}
	}
}
