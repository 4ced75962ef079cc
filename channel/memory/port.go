package memory

import (
	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

var _ channel.Port = (*port)(nil)

type port struct {
	channel  *Channel
	cluster  *cluster
	name     string // of the cluster
	id       raft.NodeID
	receiver channel.Receiver
	gate     *gate
	delayed  courier // frames on their way to this node
}

func newPort(c *Channel, home *cluster, self channel.Self, r channel.Receiver) *port {
	p := &port{
		channel:  c,
		cluster:  home,
		name:     self.Cluster,
		id:       self.ID,
		receiver: r,
		gate:     newGate(),
	}
	p.delayed.deliver = p.arrive
	return p
}

func (p *port) Send(to raft.NodeID, _ channel.Class, frame []byte) error {
	if err := p.refusal(frame); err != nil {
		return err
	}
	dest := p.cluster.find(to)
	if dest == nil || dest == p {
		return channel.ErrUnknownPeer
	}
	return p.carry(dest, frame)
}

func (p *port) Broadcast(frame []byte) error {
	if err := p.refusal(frame); err != nil {
		return err
	}
	for _, dest := range p.cluster.all() {
		if dest != p {
			_ = p.carry(dest, frame) // a broadcast does not say who missed it
		}
	}
	return nil
}

func (p *port) Close() error {
	p.channel.detach(p)
	p.delayed.close()
	p.gate.shutAndWait()
	return nil
}

func (p *port) refusal(frame []byte) error {
	if p.gate.isShut() {
		return channel.ErrClosed
	}
	if len(frame) > channel.MaxFrame {
		return channel.ErrTooLarge
	}
	return nil
}

// carry brings a frame to another node, or lets the faults have their way with it.
func (p *port) carry(dest *port, frame []byte) error {
	faults := &p.channel.faults
	if !faults.active.Load() {
		return dest.receive(frame)
	}
	way := link{p.id, dest.id}
	fate := faults.decide(way)
	if fate.copies == 0 {
		return nil
	}
	err := dest.accept(way, frame, fate, 0)
	for n := 1; n < fate.copies && err == nil; n++ { // what was refused must not arrive
		_ = dest.accept(way, frame, fate, n) // the sender knows of one frame only
	}
	return err
}

// accept takes the nth copy of a frame, now or later.
func (p *port) accept(way link, frame []byte, fate fate, n int) error {
	if fate.direct {
		return p.receive(frame)
	}
	return p.delayed.add(delivery{way: way, frame: frame, due: fate.due[n]})
}

// arrive ends the way of a delayed frame, unless the link was cut in the meantime.
func (p *port) arrive(d delivery) {
	if !p.channel.faults.cut(d.way) {
		_ = p.receive(d.frame) // the sender is long gone
	}
}

func (p *port) receive(frame []byte) error {
	if !p.gate.enter() {
		return channel.ErrUnknownPeer
	}
	defer p.gate.leave()
	_ = p.receiver.Receive(frame) // there is no connection to cut
	return nil
}
