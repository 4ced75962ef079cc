package gaggle_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

func TestAStandbyTakesThePlaceOfAMemberThatIsSilentForLong(t *testing.T) {
	for after, want := range map[time.Duration]gaggle.State{0: gaggle.Standby, 10 * time.Second: gaggle.Member} {
		synctest.Test(t, func(t *testing.T) {
			ch := memory.New()
			var nodes []*gaggle.Node[string]
			for range 4 {
				n, err := gaggle.Join[string](t.Context(), ch, gaggle.Size(3), gaggle.ReplaceAfter(after))
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = n.Close() }()
				nodes = append(nodes, n)
				if len(nodes) == 3 {
					time.Sleep(10 * time.Second)
				}
			}
			time.Sleep(5 * time.Second)
			_ = nodes[0].Close()
			time.Sleep(30 * time.Second)
			if got := nodes[3].Status().State; got != want {
				t.Fatalf("with a patience of %v, the standby is a %v", after, got)
			}
			if want == gaggle.Member {
				if _, err := nodes[3].Append(t.Context(), "value"); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
