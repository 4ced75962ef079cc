package memory_test

import (
	"testing"

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

func BenchmarkChannel(b *testing.B) { channeltest.Benchmark(b, newNet) }
