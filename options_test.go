package gaggle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/channel/tcp"
)

func TestOptionsThatCannotWorkAreErrorsThatSayWhy(t *testing.T) {
	second := time.Second
	ms := time.Millisecond
	for name, c := range map[string]struct {
		options []gaggle.Option
		want    string
	}{
		"no size":                {nil, "gaggle.Size"},
		"size 0":                 {[]gaggle.Option{gaggle.Size(0)}, "Size(0): must be from 1 to"},
		"a negative size":        {[]gaggle.Option{gaggle.Size(-3)}, "Size(-3): must be from 1 to"},
		"too large":              {[]gaggle.Option{gaggle.Size(gaggle.MaxSize + 1)}, fmt.Sprint("to ", gaggle.MaxSize)},
		"no name":                {[]gaggle.Option{gaggle.Size(1), gaggle.Name("")}, "Name("},
		"too long a name":        {[]gaggle.Option{gaggle.Size(1), gaggle.Name(strings.Repeat("x", channel.MaxCluster+1))}, "Name("},
		"no id":                  {[]gaggle.Option{gaggle.Size(1), gaggle.ID("")}, "ID("},
		"too long an id":         {[]gaggle.Option{gaggle.Size(1), gaggle.ID(strings.Repeat("x", 65))}, "1 to 64 bytes"},
		"an id with a #":         {[]gaggle.Option{gaggle.Size(1), gaggle.ID("a#1")}, "no #"},
		"an id of two lines":     {[]gaggle.Option{gaggle.Size(1), gaggle.ID("a\nb")}, "no control character"},
		"an id with a bell":      {[]gaggle.Option{gaggle.Size(1), gaggle.ID("a\a")}, "no control character"},
		"elections in centuries": {[]gaggle.Option{gaggle.Size(1), gaggle.Timing{ElectionMin: 1 << 62}}, "no time above 24h"},
		"a heartbeat too long":   {[]gaggle.Option{gaggle.Size(1), gaggle.Timing{Heartbeat: 1<<63 - 1}}, "no time above 24h"},
		"no codec":               {[]gaggle.Option{gaggle.Size(1), gaggle.WithCodec(nil)}, "WithCodec"},
		"no trace":               {[]gaggle.Option{gaggle.Size(1), gaggle.Trace("")}, "Trace"},
		"a nil option":           {[]gaggle.Option{gaggle.Size(1), nil}, "option"},
		"a negative heartbeat":   {[]gaggle.Option{gaggle.Size(1), gaggle.Timing{Heartbeat: -second}}, "Timing"},
		"a negative timeout":     {[]gaggle.Option{gaggle.Size(1), gaggle.Timing{ElectionMin: -second}}, "Timing"},
		"a negative maximum":     {[]gaggle.Option{gaggle.Size(1), gaggle.Timing{ElectionMax: -second}}, "Timing"},
		"too quick to count":     {[]gaggle.Option{gaggle.Size(1), gaggle.Timing{Heartbeat: 1}}, "Timing"},
		"elections too early":    {[]gaggle.Option{gaggle.Size(1), gaggle.Timing{Heartbeat: second, ElectionMin: 2 * second, ElectionMax: 9 * second}}, "two heartbeats"},
		"max below min":          {[]gaggle.Option{gaggle.Size(1), gaggle.Timing{Heartbeat: ms, ElectionMin: 9 * ms, ElectionMax: 8 * ms}}, "ElectionMax"},
		"max and min in a tick":  {[]gaggle.Option{gaggle.Size(1), gaggle.Timing{Heartbeat: 100 * ms, ElectionMin: 201 * ms, ElectionMax: 205 * ms}}, "Election"},
		"a later one is checked": {[]gaggle.Option{gaggle.Size(1), gaggle.Local(), gaggle.Size(0)}, "Size(0)"},
	} {
		n, err := gaggle.Join[string](t.Context(), memory.New(), c.options...)
		if err == nil {
			_ = n.Close()
			t.Errorf("%s: no error", name)
		} else if n != nil || !strings.HasPrefix(err.Error(), "gaggle: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want one about %s", name, err, c.want)
		}
	}
	for _, none := range []channel.Channel{nil, (*memory.Channel)(nil), (*tcp.Channel)(nil)} {
		if _, err := gaggle.Join[string](t.Context(), none, gaggle.Size(1)); err == nil || err.Error() != "gaggle: Join: the channel is nil" {
			t.Errorf("no channel: %v", err)
		}
	}
}

func TestOptionsAtTheirLimitsWork(t *testing.T) {
	for name, options := range map[string][]gaggle.Option{
		"the longest name and id": {gaggle.Name(strings.Repeat("n", channel.MaxCluster)), gaggle.ID(strings.Repeat("i", 64))},
		"any characters":          {gaggle.Name("a b\n\x00ü#"), gaggle.ID("a b ü")},
		"the last of two counts":  {gaggle.Name("x"), gaggle.Name("y"), gaggle.Timing{Heartbeat: time.Second, ElectionMin: time.Minute}, gaggle.LAN()},
		"a timing of nothing":     {gaggle.Timing{}},
		"Local":                   {gaggle.Local()},
		"WAN":                     {gaggle.WAN()},
		"only a minimum":          {gaggle.Timing{ElectionMin: time.Minute}},
		"no logger":               {gaggle.Logger(nil)},
		"in memory, said so":      {gaggle.InMemory()},
		"JSON, said so":           {gaggle.WithCodec(gaggle.JSON())},
	} {
		edgeCluster(t, 2, func(t *testing.T, f *edgeFlock[string]) {
			edgeAppend(t, f.nodes[1], name)
		}, options...)
	}
}

func TestClustersOfAnySizeWork(t *testing.T) {
	for _, size := range []int{1, 2, 3, 4, 5, gaggle.MaxSize} {
		edgeCluster(t, size, func(t *testing.T, f *edgeFlock[int]) {
			edgeAppend(t, f.nodes[size-1], size)
			for _, n := range f.nodes {
				if got := edgeEntries(t, n); !slices.Equal(got, []int{size}) {
					t.Errorf("in a cluster of %d, a log has %v", size, got)
				}
			}
		})
	}
}

func TestNodesOfOneNameAreDifferentNodes(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		ids := map[gaggle.NodeID]bool{}
		for _, n := range f.nodes {
			ids[n.ID()] = true
			if !strings.HasPrefix(string(n.ID()), "goose#") {
				t.Errorf("a node called goose is %s", n.ID())
			}
		}
		if len(ids) != 3 {
			t.Errorf("three nodes have the ids %v", ids)
		}
	}, gaggle.ID("goose"))
}

func TestClustersOfDifferentNamesShareAChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ch := memory.New()
		flocks := map[string]*edgeFlock[string]{}
		for range 3 {
			for _, name := range []string{"ducks", "geese"} {
				if flocks[name] == nil {
					flocks[name] = &edgeFlock[string]{t: t, ch: ch}
				}
				flocks[name].join(gaggle.Size(3), gaggle.Name(name))
			}
		}
		for name, f := range flocks {
			f.ready()
			edgeAppend(t, f.nodes[0], name)
		}
		for name, f := range flocks {
			if got := edgeEntries(t, f.nodes[2]); !slices.Equal(got, []string{name}) {
				t.Errorf("the log of the %s has %q", name, got)
			}
		}
	})
}

func TestNodesThatDisagreeAboutTheSizeSaySo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &edgeFlock[string]{t: t, ch: memory.New()}
		for _, size := range []int{3, 3, 5} {
			f.join(gaggle.Size(size))
		}
		for _, n := range f.nodes {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			for e := range n.Watch(ctx) { // it may have been found before
				if p, ok := e.(gaggle.ProblemFound); ok && errors.Is(p.Problem, gaggle.ErrSizeMismatch) {
					break
				}
				if n.Status().Problem != nil {
					break
				}
			}
			cancel()
			if err := n.Status().Problem; !errors.Is(err, gaggle.ErrSizeMismatch) {
				t.Errorf("the problem is %v", err)
			}
		}
	})
}

func TestANodeTooManyIsAStandby(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		spare := f.join(gaggle.Size(3))
		if err := spare.Ready(t.Context()); !errors.Is(err, gaggle.ErrStandby) {
			t.Fatalf("Ready: %v", err)
		}
		call := gaggle.OnLeader(spare, "call", func(context.Context, *gaggle.Leader[string], string) (string, error) { return "", nil })
		for name, do := range edgeOperations(spare, call) {
			want := gaggle.ErrStandby
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if name == "Entries" {
				want = context.DeadlineExceeded // it may get a place in the cluster yet
			}
			if err := do(ctx); !edgeIs(err, []error{want}, gaggle.ErrUncertain) {
				t.Errorf("%s: %v", name, err)
			}
			cancel()
		}
		if s := spare.Status(); s.State != gaggle.Standby || s.Waiting == "" {
			t.Errorf("the status is %+v", s)
		}
	})
}

func TestAChannelForOneNodeIsOpenedOnce(t *testing.T) {
	ch := tcp.New("127.0.0.1:0")
	first, err := gaggle.Join[string](t.Context(), ch, gaggle.Size(1), gaggle.InMemory())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := gaggle.Join[string](t.Context(), ch, gaggle.Size(1), gaggle.InMemory())
	var e *gaggle.Error
	if second != nil || !errors.Is(err, channel.ErrInUse) || !errors.As(err, &e) || e.Op != "join" {
		t.Errorf("the second node: %v", err)
	}
	third, err := gaggle.Join[string](t.Context(), tcp.New(ch.Addr()), gaggle.Size(1), gaggle.InMemory())
	if third != nil || !errors.As(err, &e) || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("a channel with an address that is taken: %v", err)
	}
	if _, err := first.Append(t.Context(), "x"); err != nil {
		t.Errorf("the first node suffers: %v", err)
	}
}
