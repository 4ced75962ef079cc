package gaggle_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle"
)

// edgeTake reads so many values and breaks off.
func edgeTake[T any](t *testing.T, entries iter.Seq2[gaggle.Entry[T], error], count int) (values []T) {
	t.Helper()
	if count == 0 {
		return nil
	}
	for e, err := range entries {
		if err != nil {
			t.Fatal(err)
		}
		if values = append(values, e.Value); len(values) == count {
			break
		}
	}
	return values
}

func TestALoopOverEntriesMayBeBrokenOffAndBegunAgain(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[int]) {
		n := f.nodes[0]
		places := edgeAppend(t, n, 0, 1, 2, 3, 4)
		all := n.Entries(t.Context())
		for count := range 6 {
			if got := edgeTake(t, all, count); !slices.Equal(got, []int{0, 1, 2, 3, 4}[:count]) {
				t.Errorf("the first %d are %v", count, got)
			}
		}
		var got []int
		from := gaggle.Index(0)
		for range 5 { // as one resumes
			for e, err := range n.Entries(t.Context(), gaggle.From(from)) {
				if err != nil {
					t.Fatal(err)
				}
				got, from = append(got, e.Value), e.Index+1
				break
			}
		}
		if !slices.Equal(got, []int{0, 1, 2, 3, 4}) {
			t.Errorf("resumed after each, they are %v", got)
		}
		for i, place := range places {
			for e, err := range n.Entries(t.Context(), gaggle.From(place.Index), gaggle.Until(place.Index)) {
				if err != nil || e != place || e.Value != i {
					t.Errorf("at %d is %v, %v; Append said %v", place.Index, e, err, place)
				}
			}
		}
		for e, err := range n.Entries(t.Context(), gaggle.From(places[3].Index), gaggle.Until(places[1].Index)) {
			t.Errorf("between 3 and 1 are %v, %v", e, err)
		}
	})
}

func TestEntriesUntilAPlaceInTheFutureWaitForIt(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[int]) {
		last := edgeAppend(t, f.nodes[0], 1)[0].Index
		got := make(chan []int)
		go func() {
			values := []int{}
			for e, err := range f.nodes[1].Entries(t.Context(), gaggle.From(last+1), gaggle.Until(last+2)) {
				if err != nil {
					t.Error(err)
				}
				values = append(values, e.Value)
			}
			got <- values
		}()
		synctest.Wait()
		edgeAppend(t, f.nodes[0], 2)
		select {
		case early := <-got:
			t.Fatalf("the loop ended with %v", early)
		case <-time.After(time.Minute):
		}
		edgeAppend(t, f.nodes[0], 3, 4)
		if values := <-got; !slices.Equal(values, []int{2, 3}) {
			t.Errorf("the loop got %v", values)
		}
	})
}

func TestASlowLoopDelaysNobody(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[int]) {
		n := f.nodes[0]
		resume := make(chan bool)
		slow := make(chan []int)
		edgeAppend(t, n, 0)
		go func() {
			var values []int
			for e, err := range n.Entries(t.Context()) {
				if err != nil {
					t.Error(err)
				}
				if values = append(values, e.Value); len(values) == 1 {
					<-resume
				}
				if e.Value == 5000 {
					break
				}
			}
			slow <- values
		}()
		watch := n.Watch(t.Context()) // nobody looks at it
		synctest.Wait()
		for i := range 4999 {
			if _, err := n.Propose(i + 1); err != nil {
				t.Fatal(err)
			}
		}
		edgeAppend(t, n, 5000)
		var running sync.WaitGroup
		for _, n := range f.nodes {
			running.Go(func() {
				if got := edgeTake(t, n.Entries(t.Context()), 5001); got[5000] != 5000 {
					t.Errorf("the last is %d", got[5000])
				}
			})
		}
		running.Wait()
		close(resume)
		if got := <-slow; !slices.IsSorted(got) || len(got) != 5001 {
			t.Errorf("the slow loop got %d entries", len(got))
		}
		for range watch {
			break
		}
	})
}

func TestBytesAreNotShared(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[[]byte]) {
		for _, n := range f.nodes {
			buffer := []byte("appended")
			edgeAppend(t, n, buffer)
			copy(buffer, "xxxxxxxx")
			copy(buffer, "proposed")
			p, err := n.Propose(buffer)
			if err != nil {
				t.Fatal(err)
			}
			copy(buffer, "xxxxxxxx")
			if _, err := p.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // what a loop does to its values is its own affair
			for _, n := range f.nodes {
				for i, v := range edgeEntries(t, n) {
					if want := []string{"appended", "proposed"}[i%2]; string(v) != want {
						t.Errorf("value %d is %q", i, v)
					}
					copy(v, "overwritten")
					_ = append(v, "beyond"...)
				}
			}
		}
	})
}

func TestValuesOfAnySizeUpToTheLimit(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[[]byte]) {
		leader, follower := f.leader()
		sizes := []int{0, 1, gaggle.MaxValue - 1, gaggle.MaxValue}
		for _, n := range []*gaggle.Node[[]byte]{leader, follower} {
			for _, size := range sizes {
				edgeAppend(t, n, []byte(strings.Repeat("x", size)))
			}
			tooLarge := make([]byte, gaggle.MaxValue+1)
			if _, err := n.Append(t.Context(), tooLarge); !edgeIs(err, []error{gaggle.ErrTooLarge}, gaggle.ErrUncertain) {
				t.Errorf("Append of one byte more: %v", err)
			}
			if _, err := n.Propose(tooLarge); !errors.Is(err, gaggle.ErrTooLarge) {
				t.Errorf("Propose of one byte more: %v", err)
			}
		}
		for _, n := range f.nodes {
			got := []int{}
			for _, v := range edgeEntries(t, n) {
				got = append(got, len(v))
			}
			if !slices.Equal(got, append(slices.Clone(sizes), sizes...)) {
				t.Errorf("the values have the sizes %v", got)
			}
		}
		edgeAppend(t, leader, nil)
	})
}

func TestALimitIsThatOfTheEncodedValue(t *testing.T) {
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[string]) {
		edgeAppend(t, f.nodes[0], strings.Repeat("x", gaggle.MaxValue-2)) // JSON adds the quotes
		if _, err := f.nodes[0].Append(t.Context(), strings.Repeat("x", gaggle.MaxValue-1)); !errors.Is(err, gaggle.ErrTooLarge) {
			t.Errorf("one byte more: %v", err)
		}
	})
}

func TestAValueThatCannotBeEncodedIsNotAppended(t *testing.T) {
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[any]) {
		n := f.nodes[0]
		_, appending := n.Append(t.Context(), func() {})
		_, proposing := n.Propose(make(chan int))
		var leading error
		_, calling := gaggle.OnLeader(n, "append", func(ctx context.Context, l *gaggle.Leader[any], _ int) (int, error) {
			_, leading = l.Append(ctx, func() {})
			return 0, nil
		})(t.Context(), 0)
		if calling != nil {
			t.Error(calling)
		}
		for _, err := range []error{appending, proposing, leading} {
			var e *gaggle.Error
			var unsupported *json.UnsupportedTypeError
			if !errors.As(err, &e) || e.Op != "append" || !errors.As(err, &unsupported) {
				t.Errorf("the error is %v", err)
			}
		}
		if got := edgeEntries(t, n); len(got) > 0 {
			t.Errorf("in the log are %v", got)
		}
	})
}

// edgeCodec is JSON but for the value that it cannot decode.
type edgeCodec struct{ gaggle.Codec }

var errEdgeCodec = errors.New("this one cannot be decoded")

func (c edgeCodec) Unmarshal(data []byte, v any) error {
	if string(data) == `"bad"` {
		return errEdgeCodec
	}
	return c.Codec.Unmarshal(data, v)
}

func TestAValueThatCannotBeDecodedEndsTheLoopWithItsPlace(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		n := f.nodes[0]
		places := edgeAppend(t, n, "good", "bad", "after")
		var values []string
		var last gaggle.Entry[string]
		var failed error
		for e, err := range n.Entries(t.Context()) {
			if failed != nil {
				t.Fatal("the loop went on after its error")
			}
			if last, failed = e, err; err == nil {
				values = append(values, e.Value)
			}
		}
		var e *gaggle.Error
		if !errors.Is(failed, errEdgeCodec) || !errors.As(failed, &e) || e.Op != "entries" || last.Index != places[1].Index || !slices.Equal(values, []string{"good"}) {
			t.Errorf("after %q came %v with the error %v", values, last, failed)
		}
		// The place is what a loop needs that wants to go on.
		if got := edgeTake(t, n.Entries(t.Context(), gaggle.From(last.Index+1)), 1); got[0] != "after" {
			t.Errorf("behind it is %q", got)
		}
	}, gaggle.WithCodec(edgeCodec{gaggle.JSON()}))
}

func TestReadsSeeWhatWasAcknowledgedBeforeThem(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[int]) {
		for i := range 30 {
			edgeAppend(t, f.nodes[i%3], i)
			if got := edgeEntries(t, f.nodes[(i+1)%3]); len(got) != i+1 || got[i] != i {
				t.Fatalf("after append %d another node has %v", i, got)
			}
		}
	})
}

func TestManyReadAtOnce(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[int]) {
		var running sync.WaitGroup
		for i := range 3000 {
			running.Go(func() {
				if err := f.nodes[i%3].Read(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		running.Wait()
	})
}

func TestWhatWatchReturnsCanBeRangedOverOnce(t *testing.T) {
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[int]) {
		n := f.nodes[0]
		watch, other := n.Watch(t.Context()), n.Watch(t.Context())
		edgeAppend(t, n, 1)
		for e := range watch {
			if c, ok := e.(gaggle.Committed); !ok || c.Index != n.Status().Applied {
				t.Errorf("the event is %#v", e)
			}
			break
		}
		edgeAppend(t, n, 2)
		for e := range watch {
			t.Errorf("ranged over again it yields %#v", e)
		}
		for e := range other {
			if c, ok := e.(gaggle.Committed); !ok || c.Index != n.Status().Applied {
				t.Errorf("the event of another watcher is %#v", e)
			}
			break
		}
	})
}
