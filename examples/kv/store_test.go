package main

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/ben-ng/gaggle/channel/memory"
)

// inStores runs a test with the three nodes of a map.
func inStores(t *testing.T, test func(*testing.T, []Store)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		ch := memory.New()
		var stores []Store
		for range 3 {
			s, err := open(t.Context(), ch, 3)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			stores = append(stores, s)
		}
		test(t, stores)
	})
}

func TestWhatIsPutIntoOneNodeIsInAll(t *testing.T) {
	inStores(t, func(t *testing.T, stores []Store) {
		if r, err := stores[0].Put(t.Context(), "k", "v"); err != nil || r.Existed {
			t.Errorf("the first put says %+v, %v", r, err)
		}
		for _, s := range stores {
			if v, ok, err := s.Get(t.Context(), "k"); v != "v" || !ok || err != nil {
				t.Errorf("%s has %q, %v, %v", s.ID(), v, ok, err)
			}
		}
		if r, err := stores[1].Put(t.Context(), "k", "w"); err != nil || r.Before != "v" {
			t.Errorf("the second put says %+v, %v", r, err)
		}
		for i, want := range []bool{true, false} {
			if deleted, err := stores[2].Delete(t.Context(), "k"); err != nil || deleted != want {
				t.Errorf("deletion %d says %v, %v", i, deleted, err)
			}
		}
		if _, ok, err := stores[0].Get(t.Context(), "k"); ok || err != nil {
			t.Errorf("a deleted key is there: %v, %v", ok, err)
		}
		if swapped, err := stores[0].CompareAndSwap(t.Context(), "k", "", "x"); swapped || err != nil {
			t.Errorf("a key that is not there was swapped: %v, %v", swapped, err)
		}
	})
}

func TestOfManySwapsOfOneValueOneWins(t *testing.T) {
	inStores(t, func(t *testing.T, stores []Store) {
		if _, err := stores[0].Put(t.Context(), "k", "free"); err != nil {
			t.Fatal(err)
		}
		var winners atomic.Int32
		var all sync.WaitGroup
		for _, s := range stores {
			for range 5 {
				all.Go(func() {
					if won, err := s.CompareAndSwap(t.Context(), "k", "free", "taken"); err != nil {
						t.Error(err)
					} else if won {
						winners.Add(1)
					}
				})
			}
		}
		all.Wait()
		if winners.Load() != 1 {
			t.Errorf("%d have won", winners.Load())
		}
	})
}
