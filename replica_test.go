package gaggle_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

// tallies are a state: how often each key was counted, and in which order.
type tallies struct {
	Counts map[string]int
	Order  []string
}

type counting struct {
	Key string
	By  int
}

type counted struct{ Before, After int }

func newTallies() *tallies { return &tallies{Counts: map[string]int{}} }

func (s *tallies) Apply(c counting) counted {
	if c.Key == "panic" {
		panic("it was asked to")
	}
	before := s.Counts[c.Key]
	s.Counts[c.Key] += c.By
	s.Order = append(s.Order, c.Key)
	return counted{before, s.Counts[c.Key]}
}

type talliesReplica = gaggle.Replica[tallies, counting, counted]

// inReplicas runs a test with replicas in simulated time.
func inReplicas(t *testing.T, seed uint64, size int, test func(*testing.T, *memory.Channel, []*talliesReplica)) {
	t.Helper()
	cryptotest.SetGlobalRandom(t, seed)
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		ch := memory.New(memory.Seed(seed))
		var all []*talliesReplica
		for range size {
			r, err := gaggle.Replicate(t.Context(), ch, newTallies(), (*tallies).Apply, gaggle.Size(size))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = r.Close() })
			all = append(all, r)
		}
		test(t, ch, all)
	})
}

func TestEachCommandIsAppliedOnceAndItsResultIsThatOfItsPlace(t *testing.T) {
	for seed := range uint64(3) {
		inReplicas(t, seed, 3, func(t *testing.T, ch *memory.Channel, all []*talliesReplica) {
			ch.SetFaults(memory.Faults{Drop: 0.05, Duplicate: 0.1, MaxDelay: 5 * time.Millisecond})
			const each, writers = 20, 4
			seen := make([]int, 1+3*each*writers)
			var mu sync.Mutex
			var group sync.WaitGroup
			for _, r := range all {
				for range writers {
					group.Go(func() {
						for range each {
							result, err := r.Do(t.Context(), counting{"x", 1})
							if err != nil || result.After != result.Before+1 {
								t.Errorf("the result is %v, %v", result, err)
								return
							}
							mu.Lock()
							seen[result.After]++
							mu.Unlock()
						}
					})
				}
			}
			group.Wait()
			if i := slices.IndexFunc(seen[1:], func(times int) bool { return times != 1 }); i >= 0 {
				t.Errorf("%d callers saw the count become %d", seen[i+1], i+1)
			}
			for _, r := range all {
				if err := r.Read(t.Context(), func(s *tallies) {
					if s.Counts["x"] != 3*each*writers || len(s.Order) != 3*each*writers {
						t.Errorf("%s counts %d", r.ID(), s.Counts["x"])
					}
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestAReadShowsWhatWasAcknowledgedAnywhereAndAPeekNeedsNobody(t *testing.T) {
	inReplicas(t, 1, 3, func(t *testing.T, ch *memory.Channel, all []*talliesReplica) {
		for i := range 30 {
			if _, err := all[i%3].Do(t.Context(), counting{"x", 1}); err != nil {
				t.Fatal(err)
			}
			if err := all[(i+1)%3].Read(t.Context(), func(s *tallies) {
				if s.Counts["x"] != i+1 {
					t.Errorf("after %d commands it is %d", i+1, s.Counts["x"])
				}
			}); err != nil {
				t.Fatal(err)
			}
		}
		cut := all[0]
		ch.Isolate(cut.ID())
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := cut.Read(ctx, func(*tallies) { t.Error("the function is called though the read fails") }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a read without a majority ends with %v", err)
		}
		looked := false
		cut.Peek(func(s *tallies) { looked = s.Counts["x"] >= 29 })
		if !looked {
			t.Error("a peek does not show the state")
		}
		_ = cut.Close()
		if _, err := cut.Do(t.Context(), counting{}); !errors.Is(err, gaggle.ErrClosed) {
			t.Errorf("a command at a closed replica ends with %v", err)
		}
		if _, err := all[1].Do(t.Context(), counting{"x", 1}); err != nil {
			t.Errorf("the others do not go on: %v", err)
		}
	})
}

func TestACommandOutlivesTheLeaderAndIsAppliedOnce(t *testing.T) {
	inReplicas(t, 1, 3, func(t *testing.T, _ *memory.Channel, all []*talliesReplica) {
		if err := all[0].Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		leader := all[slices.IndexFunc(all, func(r *talliesReplica) bool { return r.ID() == all[0].Status().Leader })]
		rest := slices.DeleteFunc(slices.Clone(all), func(r *talliesReplica) bool { return r == leader })
		var group sync.WaitGroup
		for i, r := range rest {
			group.Go(func() {
				for j := range 50 {
					if _, err := r.Do(t.Context(), counting{fmt.Sprint(i, " ", j), 1}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		_ = leader.Close()
		group.Wait()
		for _, r := range rest {
			if err := r.Read(t.Context(), func(s *tallies) {
				for key, count := range s.Counts {
					if count != 1 {
						t.Errorf("%s: %s was applied %d times", r.ID(), key, count)
					}
				}
				if len(s.Counts) != 100 {
					t.Errorf("%s has %d keys", r.ID(), len(s.Counts))
				}
			}); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAPanicInApplyIsTheNodesEndAndNotTheProcesss(t *testing.T) {
	inReplicas(t, 1, 1, func(t *testing.T, _ *memory.Channel, all []*talliesReplica) {
		_, err := all[0].Do(t.Context(), counting{Key: "panic"})
		if !errors.Is(err, gaggle.ErrMachine) || !errors.Is(err, gaggle.ErrUncertain) || !strings.Contains(err.Error(), "it was asked to") {
			t.Errorf("the command ends with %v", err)
		}
		synctest.Wait()
		if s := all[0].Status(); s.State != gaggle.Stopped || !errors.Is(s.Problem, gaggle.ErrMachine) {
			t.Errorf("it is %v: %v", s.State, s.Problem)
		}
		all[0].Peek(func(*tallies) {}) // nothing is left locked
	})
}

// greek encodes what it cannot decode.
type greek struct{ gaggle.Codec }

func (greek) Unmarshal([]byte, any) error { return errors.New("it is Greek to me") }

func TestACommandThatCannotBeDecodedHarmsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := gaggle.Replicate(t.Context(), memory.New(), newTallies(), (*tallies).Apply, gaggle.Size(1), gaggle.WithCodec(greek{gaggle.JSON()}))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := r.Do(t.Context(), counting{}); err == nil || !strings.Contains(err.Error(), "Greek") || errors.Is(err, gaggle.ErrMachine) {
			t.Errorf("the command ends with %v", err)
		}
		synctest.Wait()
		if s := r.Status(); s.Problem != nil {
			t.Errorf("the node has a problem: %v", s.Problem)
		}
	})
}

func TestANodeThatCannotDecodeACommandOfAnotherStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ch := memory.New()
		join := func(c gaggle.Codec) *talliesReplica {
			r, err := gaggle.Replicate(t.Context(), ch, newTallies(), (*tallies).Apply, gaggle.Size(3), gaggle.WithCodec(c))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = r.Close() })
			return r
		}
		good, odd := join(gaggle.JSON()), join(greek{gaggle.JSON()})
		join(gaggle.JSON())
		if _, err := good.Do(t.Context(), counting{"x", 1}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if s := odd.Status(); s.State != gaggle.Stopped || !errors.Is(s.Problem, gaggle.ErrMachine) || !strings.Contains(s.Problem.Error(), "same codec") {
			t.Errorf("it is %v: %v", s.State, s.Problem)
		}
	})
}

func TestReplicateRefusesWhatCannotBe(t *testing.T) {
	join := func(state *tallies, apply func(*tallies, counting) counted, options ...gaggle.Option) error {
		_, err := gaggle.Replicate(t.Context(), memory.New(), state, apply, options...)
		return err
	}
	for want, err := range map[string]error{
		"the state or the function":       join(nil, (*tallies).Apply, gaggle.Size(1)),
		"the function that applies":       join(newTallies(), nil, gaggle.Size(1)),
		"gaggle: Replicate: say how many": join(newTallies(), (*tallies).Apply),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
	}
	_, err := gaggle.Replicate(t.Context(), memory.New(), &struct{ mu sync.Mutex }{}, func(*struct{ mu sync.Mutex }, int) int { return 0 }, gaggle.Size(1))
	if err == nil || !strings.Contains(err.Error(), "its mu is not exported") || !strings.Contains(err.Error(), "Snapshotter") {
		t.Errorf("a state that JSON leaves out: %v", err)
	}
}

func TestAResultMayBeAnInterfaceThatIsNil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errOdd := errors.New("odd")
		apply := func(sum *int, by int) error {
			if by%2 == 1 {
				return errOdd
			}
			*sum += by
			return nil
		}
		r, err := gaggle.Replicate(t.Context(), memory.New(), new(int), apply, gaggle.Size(1))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for by, want := range []error{nil, errOdd, nil} {
			if result, err := r.Do(t.Context(), by); err != nil || !errors.Is(result, want) {
				t.Errorf("the result of %d is %v, %v", by, result, err)
			}
		}
	})
}

// A vault keeps its state to itself, and writes it itself.
type vault struct{ sum int }

var _ gaggle.Snapshotter = (*vault)(nil)

func (v *vault) Snapshot() (func(io.Writer) error, error) {
	sum := v.sum
	return func(w io.Writer) error {
		_, err := fmt.Fprint(w, sum)
		return err
	}, nil
}

func (v *vault) Restore(r io.Reader) error {
	_, err := fmt.Fscan(r, &v.sum)
	return err
}

func TestASnapshotterMayKeepItsFieldsToItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := gaggle.Replicate(t.Context(), memory.New(), &vault{}, func(v *vault, by int) int {
			v.sum += by
			return v.sum
		}, gaggle.Size(1))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if sum, err := r.Do(t.Context(), 3); err != nil || sum != 3 {
			t.Errorf("the sum is %d, %v", sum, err)
		}
	})
}
