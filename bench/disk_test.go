package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestZerosAtTheEndOfAFileAreNotCounted(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "below"), 0o700); err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 3*chunk)
	want := int64(0)
	for name, content := range map[string][]byte{
		"empty":        nil,
		"reserved":     zeros,
		"full":         bytes.Repeat([]byte{1}, 7),
		"short":        {0, 1, 0, 1},
		"to a chunk":   bytes.Repeat([]byte{1}, chunk),
		"over a chunk": append(make([]byte, chunk), 1),
		"below/file":   append(make([]byte, 2*chunk+5), 1),
	} {
		if name != "reserved" {
			want += int64(len(content))
		}
		if err := os.WriteFile(filepath.Join(dir, name), append(content, zeros...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := contents(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("the files have %d bytes before the zeros at their ends, not %d", got, want)
	}
}

func TestADirectoryInMemoryIsRefused(t *testing.T) {
	const inMemory = "/dev/shm"
	if _, err := os.Stat(inMemory); err != nil {
		t.Skip("there is none here")
	}
	if refuseMemory(inMemory) == nil {
		t.Errorf("%s passes for a disk", inMemory)
	}
}

func TestADirectoryThatIsMissingIsRefused(t *testing.T) {
	if refuseMemory(filepath.Join(t.TempDir(), "missing")) == nil {
		t.Error("it passes for a disk")
	}
}
