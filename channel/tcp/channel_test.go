package tcp

import (
	"testing"
	"time"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/channel/channeltest"
)

// newNet returns a net whose nodes know the addresses of those before, and whose connections
// outlive a receiver that is stuck for as long as a slow machine takes to fill all queues.
func newNet(testing.TB) channeltest.Net {
	var channels []*Channel
	return channeltest.Net{Channel: func(testing.TB) channel.Channel {
		var peers []string
		for _, c := range channels {
			if c.Addr() != "" {
				peers = append(peers, c.Addr())
			}
		}
		c := New("127.0.0.1:0", peers...)
		c.settings.patience, c.settings.pingEvery = 10*time.Minute, time.Minute
		channels = append(channels, c)
		return c
	}}
}

func TestChannel(t *testing.T) { channeltest.Run(t, newNet) }

func BenchmarkChannel(b *testing.B) { channeltest.Benchmark(b, newNet) }
