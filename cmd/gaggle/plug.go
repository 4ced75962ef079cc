package main

import (
	"sync/atomic"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel"
)

// A plug is a node's way into a channel. When it is pulled, nothing comes or goes any
// more, so that the node can be stopped without a word to the others, as in a crash.
type plug struct {
	channel.Channel
	pulled atomic.Bool
}

func (p *plug) pull() { p.pulled.Store(true) }

// Open is part of channel.Channel.
func (p *plug) Open(self channel.Self, r channel.Receiver) (channel.Port, error) {
	port, err := p.Channel.Open(self, plugReceiver{r, p})
	if err != nil {
		return nil, err
	}
	return plugPort{port, p}, nil
}

type plugPort struct {
	channel.Port
	plug *plug
}

// Send is part of channel.Port.
func (p plugPort) Send(to gaggle.NodeID, class channel.Class, frame []byte) error {
	if p.plug.pulled.Load() {
		return nil // lost on the way, as far as the node can see
	}
	return p.Port.Send(to, class, frame)
}

// Broadcast is part of channel.Port.
func (p plugPort) Broadcast(frame []byte) error {
	if p.plug.pulled.Load() {
		return nil
	}
	return p.Port.Broadcast(frame)
}

type plugReceiver struct {
	channel.Receiver
	plug *plug
}

// Receive is part of channel.Receiver.
func (r plugReceiver) Receive(frame []byte) error {
	if r.plug.pulled.Load() {
		return nil
	}
	return r.Receiver.Receive(frame)
}
