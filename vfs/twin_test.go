package vfs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A dumb twin of a file of fixed length: of each sector all that a crash may leave.
type twin [][]byte // a letter for each version, the durable one first

// How long the twin's file is, in sectors, and how many writes there are in one history.
const (
	twinSectors = 3
	twinWrites  = 4
)

// outcomes is every content that a crash may leave, a letter for each sector.
func (w twin) outcomes() []string {
	all := []string{""}
	for _, versions := range w {
		var longer []string
		for _, v := range versions {
			for _, o := range all {
				longer = append(longer, o+string(v))
			}
		}
		all = longer
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// play does a short history to a file and to its twin.
func play(t *testing.T, r *rand.Rand, d *Disk) twin {
	w := make(twin, twinSectors)
	f := create(t, d, "f")
	put := func(first, last int, letter byte) {
		write(t, f, int64(first*SectorSize), bytes.Repeat([]byte{letter}, (last-first)*SectorSize))
		for i := first; i < last; i++ {
			w[i] = append(w[i], letter)
		}
	}
	sync := func() {
		must(t, f.Sync())
		for i, versions := range w {
			w[i] = versions[len(versions)-1:]
		}
	}
	put(0, twinSectors, 'a')
	must(t, d.Sync())
	sync()
	for i := range twinWrites {
		first := r.IntN(twinSectors)
		put(first, first+1+r.IntN(twinSectors-first), 'b'+byte(i))
		if r.IntN(4) == 0 {
			sync()
		}
	}
	return w
}

func TestACrashLeavesWhatATwinSaysItMayAndNothingElse(t *testing.T) {
	for seed := range uint64(60) {
		found := map[string]bool{}
		var want []string
		choices := 0
		for choice := uint(0); choice == 0 || choice < 1<<choices; choice++ {
			d := NewDisk()
			want = play(t, rand.New(rand.NewPCG(seed, 0)), d).outcomes()
			choices = 0
			pick := bits(choice)
			d.Crash(func(n int) int { choices++; return pick(n) })
			b, err := ReadFile(d, "f")
			must(t, err)
			what := ""
			for at := 0; at < len(b); at += SectorSize {
				if sector := b[at : at+SectorSize]; !bytes.Equal(sector, bytes.Repeat(sector[:1], SectorSize)) {
					t.Fatal("a sector is torn")
				}
				what += string(b[at])
			}
			found[what] = true
		}
		var is []string
		for what := range found {
			is = append(is, what)
		}
		slices.Sort(is)
		if !slices.Equal(is, want) {
			t.Fatalf("seed %d leaves %v, the twin says %v", seed, is, want)
		}
	}
}

// What is seen and what is safe share pages: whatever is done, a sync makes them equal.
func TestWhatIsSyncedIsFoundAsItWasSeen(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		d := NewDisk()
		f := create(t, d, "f")
		must(t, d.Sync())
		var seen, safe []byte
		for step := range 30 {
			switch r.IntN(5) {
			case 0:
				must(t, f.Sync())
				safe = bytes.Clone(seen)
			case 1:
				size := r.IntN(3 * pageSize)
				must(t, f.Truncate(int64(size)))
				seen = append(seen, make([]byte, max(0, size-len(seen)))...)[:size]
			default:
				at, b := r.IntN(3*pageSize), bytes.Repeat([]byte{byte(step + 1)}, 1+r.IntN(pageSize))
				write(t, f, int64(at), b)
				seen = append(seen, make([]byte, max(0, at+len(b)-len(seen)))...)
				copy(seen[at:], b)
			}
			if b, err := ReadFile(d, "f"); err != nil || !bytes.Equal(b, seen) {
				t.Fatalf("seed %d, step %d: it is not what was written: %v", seed, step, err)
			}
		}
		d.Crash(func(int) int { return 0 })
		if b, err := ReadFile(d, "f"); err != nil || !bytes.Equal(b, safe) {
			t.Fatalf("seed %d: %d bytes are found of %d: %v", seed, len(b), len(safe), err)
		}
	}
}

func BenchmarkASmallAppendAndASync(b *testing.B) {
	for _, megabytes := range []int{1, 16} {
		b.Run(fmt.Sprintf("%dMiB", megabytes), func(b *testing.B) {
			d := NewDisk()
			f := create(b, d, "f")
			write(b, f, 0, bytes.Repeat([]byte("x"), megabytes<<20))
			must(b, f.Sync())
			at := int64(megabytes) << 20
			small := bytes.Repeat([]byte("y"), SectorSize)
			for b.Loop() {
				write(b, f, at, small)
				must(b, f.Sync())
				at += SectorSize
			}
		})
	}
}
