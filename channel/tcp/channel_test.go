package tcp_test

import (
	"testing"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/channel/channeltest"
	"github.com/ben-ng/gaggle/channel/tcp"
)

// newNet returns a net whose nodes know the addresses of those before.
func newNet(testing.TB) channeltest.Net {
	var channels []*tcp.Channel
	return channeltest.Net{Channel: func(testing.TB) channel.Channel {
		var peers []string
		for _, c := range channels {
			if c.Addr() != "" {
				peers = append(peers, c.Addr())
			}
		}
		c := tcp.New("127.0.0.1:0", peers...)
		channels = append(channels, c)
		return c
	}}
}

func TestChannel(t *testing.T) { channeltest.Run(t, newNet) }

func BenchmarkChannel(b *testing.B) { channeltest.Benchmark(b, newNet) }
