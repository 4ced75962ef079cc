package memory_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/channel/channeltest"
	"github.com/ben-ng/gaggle/channel/memory"
)

func newNet(testing.TB) channeltest.Net {
	c := memory.New()
	return channeltest.Net{
		Channel: func(testing.TB) channel.Channel { return c },
		Direct:  true,
	}
}

func TestChannel(t *testing.T) { channeltest.Run(t, newNet) }

// What a channel promises does not depend on how long frames are on their way.
func TestChannelWithDelays(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			channeltest.Run(t, func(testing.TB) channeltest.Net {
				c := memory.New(memory.Seed(seed))
				c.SetFaults(memory.Faults{MaxDelay: 2 * time.Millisecond})
				return channeltest.Net{
					Channel: func(testing.TB) channel.Channel { return c },
					Direct:  true, // as far as bounds and classes go
				}
			})
		})
	}
}

func BenchmarkChannel(b *testing.B) { channeltest.Benchmark(b, newNet) }
