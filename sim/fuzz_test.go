package sim

import (
	"context"
	"io"
	"maps"
	"reflect"
	"sync/atomic"
	"testing"
)

func TestTheSameOptionsGiveTheSameReport(t *testing.T) {
	for _, profile := range []string{"churn", "engines"} {
		o := Options{Seed: 7, Profile: profile, Runs: 6}
		var last Report
		a, finding, err := Fuzz(t.Context(), o, func(r Report) { last = r })
		if finding != nil || err != nil {
			t.Fatalf("%+v: %v", finding, err)
		}
		b, _, _ := Fuzz(t.Context(), o, nil)
		if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(a, last) {
			t.Errorf("the reports are %+v, %+v and at last %+v", a, b, last)
		}
		if a.Runs != o.Runs || a.Elections == 0 || a.Commits == 0 || len(a.Faults) == 0 {
			t.Errorf("the report is %+v", a)
		}
		o.Seed++
		if c, _, _ := Fuzz(t.Context(), o, nil); c.Hash == a.Hash {
			t.Errorf("with another seed the hash is the same, %x", c.Hash)
		}
	}
}

func TestTheReportIsThatOfTheRunsInTheirOrder(t *testing.T) {
	var want Report
	l := lottery{ctx: t.Context(), options: Options{Seed: 11, Runs: 8}, state: 11}
	for _, seed, ok := l.draw(); ok; _, seed, ok = l.draw() {
		r, _ := Run(Generate(seed, ""), nil)
		want.Add(r)
	}
	if got, _, _ := Fuzz(t.Context(), l.options, nil); !reflect.DeepEqual(got, want) {
		t.Errorf("the report is %+v, want %+v", got, want)
	}
}

func TestTheFirstRunHasTheSeedItself(t *testing.T) {
	const seed = 1<<60 + 5
	l := lottery{ctx: t.Context(), options: Options{Seed: seed}, state: seed}
	if _, first, _ := l.draw(); first != seed {
		t.Errorf("its seed is %d", first)
	}
	seen := map[uint64]bool{}
	for range 1000 {
		_, s, ok := l.draw()
		if !ok || seen[s] || s >= 1<<53 {
			t.Fatalf("seed %d, %t, comes twice or is no number for JSON", s, ok)
		}
		seen[s] = true
	}
}

// wrongFor plays nothing, and finds fault with some seeds.
func wrongFor(seeds map[uint64]bool) player {
	return func(s *Schedule, _ io.Writer) (Report, []byte, *Violation) {
		report := Report{Runs: 1, Hash: s.Seed}
		if seeds[s.Seed] {
			return report, nil, &Violation{Property: Bounded}
		}
		return report, nil, nil
	}
}

func TestTheFirstFindingCounts(t *testing.T) {
	o := Options{Seed: 3, Runs: 60}
	seeds := map[int]uint64{}
	l := lottery{ctx: t.Context(), options: o, state: o.Seed}
	for n, seed, ok := l.draw(); ok; n, seed, ok = l.draw() {
		seeds[n] = seed
	}
	for _, wrong := range [][]int{{0}, {1, 2, 3}, {17, 18, 40}, {59}} {
		bad := map[uint64]bool{}
		for _, n := range wrong {
			bad[seeds[n]] = true
		}
		for range 3 {
			report, finding := fuzz(t.Context(), o, wrongFor(bad), nil)
			if finding == nil || finding.Schedule.Seed != seeds[wrong[0]] || report.Runs != wrong[0]+1 {
				t.Fatalf("%v: finding %+v after %d runs", wrong, finding, report.Runs)
			}
			if again, _ := fuzz(t.Context(), o, wrongFor(bad), nil); again.Hash != report.Hash {
				t.Fatalf("%v: the hashes are %x and %x", wrong, report.Hash, again.Hash)
			}
		}
	}
}

func TestFuzzEndsWithItsContext(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	var calls atomic.Int32
	report, finding, err := Fuzz(ctx, Options{Seed: 1, Profile: "graphs"}, func(Report) {
		if calls.Add(1) == 5 {
			end()
		}
	})
	if finding != nil || err != nil || report.Runs < 5 || report.Runs > 5+200 {
		t.Errorf("%d runs, %v, %v", report.Runs, finding, err)
	}
	report, finding, err = Fuzz(ctx, Options{Seed: 1}, nil)
	if finding != nil || err != nil || report.Runs != 0 {
		t.Errorf("after the end %d runs, %v, %v", report.Runs, finding, err)
	}
}

func TestAProfileThatIsNotThereIsAnError(t *testing.T) {
	if _, _, err := Fuzz(t.Context(), Options{Profile: "storms", Runs: 1}, nil); err == nil {
		t.Error("it is accepted")
	}
}

func TestAddDoesNotKeepTheMapOfTheOther(t *testing.T) {
	one := Report{Faults: map[string]int{"cut": 1}}
	var sum Report
	sum.Add(one)
	sum.Add(one)
	if want := map[string]int{"cut": 1}; !maps.Equal(one.Faults, want) || sum.Faults["cut"] != 2 {
		t.Errorf("one has %v, the sum %v", one.Faults, sum.Faults)
	}
}
