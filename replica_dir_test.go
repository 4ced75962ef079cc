package gaggle_test

import (
	"path/filepath"
	"strconv"
	"testing"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

func TestAReplicaInADirectoryGoesOnWithTheStateItHad(t *testing.T) {
	dir := t.TempDir()
	for round := range 3 {
		ch := memory.New()
		var all []*talliesReplica
		for i := range 3 {
			r, err := gaggle.Replicate(t.Context(), ch, newTallies(), (*tallies).Apply, gaggle.Size(3), gaggle.Local(),
				gaggle.Dir(filepath.Join(dir, strconv.Itoa(i))))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = r.Close() })
			all = append(all, r)
		}
		for i, r := range all {
			if got, err := r.Do(t.Context(), counting{"x", 1}); err != nil || got.Before != 3*round+i {
				t.Errorf("in round %d, the result on %d is %v, %v", round, i, got, err)
			}
		}
		for _, r := range all {
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
