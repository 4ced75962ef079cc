package gaggle_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/tcp"
)

// wantHint checks that an error is an *Error of an operation that says what to do next.
func wantHint(t *testing.T, what string, err error, op, hint string) {
	t.Helper()
	var e *gaggle.Error
	if !errors.As(err, &e) || e.Op != op || !strings.Contains(e.Hint, hint) {
		t.Errorf("%s: %v; want an error of %q with the hint %q", what, err, op, hint)
	}
}

func TestAnErrorOfAValueSaysHowLargeItIsAndMayBe(t *testing.T) {
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[[]byte]) {
		n, large := f.nodes[0], make([]byte, gaggle.MaxValue+1)
		want := fmt.Sprintf("it has %d bytes, the most is %d", gaggle.MaxValue+1, gaggle.MaxValue)
		_, err := n.Append(t.Context(), large)
		wantHint(t, "Append", err, "append", want)
		_, err = n.Propose(large)
		wantHint(t, "Propose", err, "append", want)
		appends := gaggle.OnLeader(n, "append", func(ctx context.Context, l *gaggle.Leader[[]byte], _ int) ([]byte, error) {
			_, err := l.Append(ctx, large)
			wantHint(t, "Leader.Append", err, "append", want)
			return large, nil
		})
		var remote *gaggle.RemoteError
		if _, err = appends(t.Context(), 0); !errors.As(err, &remote) || !strings.Contains(remote.Text, want) {
			t.Errorf("a result: %v", err)
		}
		echo := gaggle.OnLeader(n, "echo", func(_ context.Context, _ *gaggle.Leader[[]byte], b []byte) ([]byte, error) { return b, nil })
		_, err = echo(t.Context(), large)
		wantHint(t, "arguments", err, "call", want)
	})
}

func TestAClosedNodeSaysThatItStaysClosed(t *testing.T) {
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[string]) {
		n := f.nodes[0]
		call := gaggle.OnLeader(n, "call", func(context.Context, *gaggle.Leader[string], string) (string, error) { return "", nil })
		_ = n.Close()
		for name, do := range edgeOperations(n, call) {
			op := map[string]string{"Append": "append", "Propose": "append", "Read": "read", "Ready": "join", "a call": "call", "Entries": "entries"}[name]
			wantHint(t, name, do(t.Context()), op, "join anew")
		}
	})
}

func TestAnErrorOfACodecSaysWhoseItIs(t *testing.T) {
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[any]) {
		n, cannot := f.nodes[0], func() {}
		_, err := n.Append(t.Context(), cannot)
		wantHint(t, "Append", err, "append", "nothing was done")
		_, err = n.Propose(cannot)
		wantHint(t, "Propose", err, "append", "nothing was done")
		call := gaggle.OnLeader(n, "call", func(ctx context.Context, l *gaggle.Leader[any], _ any) (string, error) {
			_, err := l.Append(ctx, cannot)
			wantHint(t, "Leader.Append", err, "append", "nothing was done")
			return "no number", nil
		})
		_, err = call(t.Context(), cannot)
		wantHint(t, "arguments", err, "call", "nothing was done")
		if _, err = call(t.Context(), 1); err != nil {
			t.Error(err)
		}
	})
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[string]) {
		n := f.nodes[0]
		edgeAppend(t, n, "garbled")
		for _, err := range n.Entries(t.Context()) {
			wantHint(t, "Entries", err, "entries", "with From(")
		}
		_, err := gaggle.OnLeader(n, "call", func(context.Context, *gaggle.Leader[string], string) (string, error) { return "garbled", nil })(t.Context(), "x")
		wantHint(t, "a result", err, "call", "the handler ran")
	}, gaggle.WithCodec(oneWay{}))
}

// oneWay encodes what it cannot decode.
type oneWay struct{}

func (oneWay) Marshal(v any) ([]byte, error) { return []byte(fmt.Sprint(v)), nil }
func (oneWay) Unmarshal(data []byte, _ any) error {
	if string(data) == "garbled" {
		return errors.New("it is garbled")
	}
	return nil
}

func TestAnErrorOfJoinSaysWhatToDoAboutTheChannel(t *testing.T) {
	ch := tcp.New("127.0.0.1:0")
	join := func(ch *tcp.Channel) error {
		n, err := gaggle.Join[string](t.Context(), ch, gaggle.Size(3), gaggle.InMemory())
		if err == nil {
			t.Cleanup(func() { _ = n.Close() })
		}
		return err
	}
	if err := join(ch); err != nil {
		t.Fatal(err)
	}
	wantHint(t, "a channel twice", join(ch), "join", "make another channel")
	wantHint(t, "an address twice", join(tcp.New(ch.Addr())), "join", "see to the channel's address")
	wantHint(t, "no address", join(tcp.New("nowhere")), "join", "see to the channel's address")
}

func TestAHandlerThatCannotBeRegisteredSaysWhatToDo(t *testing.T) {
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[string]) {
		echo := func(_ context.Context, _ *gaggle.Leader[string], s string) (string, error) { return s, nil }
		gaggle.OnLeader(f.nodes[0], "echo", echo)
		_, err := gaggle.OnLeader(f.nodes[0], "echo", echo)(t.Context(), "")
		wantHint(t, "a name twice", err, "handle", "once on a node")
		_, err = gaggle.OnLeader(f.nodes[0], strings.Repeat("x", 256), echo)(t.Context(), "")
		wantHint(t, "a long name", err, "handle", "shorter")
	})
}

func TestWhatIsNilIsSaidAtOnce(t *testing.T) {
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[string]) {
		for want, do := range map[string]func(){
			"gaggle: Entries: an option is nil":    func() { f.nodes[0].Entries(t.Context(), gaggle.From(1), nil) },
			"gaggle: OnLeader: the handler is nil": func() { gaggle.OnLeader[string, int, int](f.nodes[0], "nil", nil) },
		} {
			func() {
				defer func() {
					if got := recover(); got != want {
						t.Errorf("it panics with %v, want %q", got, want)
					}
				}()
				do()
			}()
		}
	})
}

func TestReadyIsNilWhenItIsSoThoughTheContextHasEnded(t *testing.T) {
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[string]) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := f.nodes[0].Ready(ctx); err != nil {
			t.Error(err)
		}
	})
}
