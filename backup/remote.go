package backup

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

const (
	// askEvery is how often a question is repeated that nobody has answered, and patience for
	// how long that goes on: a member that waits for an election answers within a few seconds.
	askEvery = 500 * time.Millisecond
	patience = 30 * time.Second
	// answersKept is how many answers may wait. One is asked for at a time, so that others are
	// repetitions.
	answersKept = 16
)

// A Remote is a member somewhere on a channel, which is asked for a backup. It takes part in
// nothing else. It is for one goroutine.
type Remote struct {
	id      raft.NodeID
	token   uint64
	port    channel.Port
	answers chan answer
	// member is the one that has answered, cluster its cluster.
	member  raft.NodeID
	cluster wire.ClusterID
}

// answer is a message, and whose it is.
type answer struct {
	from    raft.NodeID
	cluster wire.ClusterID
	message any
}

// Dial attaches to a channel, to ask a member of the cluster of this name. It has to be
// closed. Errors are those of the channel.
func Dial(ch channel.Channel, name string, log *slog.Logger) (*Remote, error) {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails: see crypto/rand
	r := &Remote{
		id:      raft.NodeID("backup#" + hex.EncodeToString(random[:6])),
		token:   binary.LittleEndian.Uint64(random[8:]),
		answers: make(chan answer, answersKept),
	}
	port, err := ch.Open(channel.Self{ID: r.id, Cluster: name, Log: cmp.Or(log, slog.New(slog.DiscardHandler))}, (*remoteReceiver)(r))
	if err != nil {
		return nil, err
	}
	r.port = port
	return r, nil
}

// Close leaves the channel.
func (r *Remote) Close() error { return r.port.Close() }

// remoteReceiver is the channel's side of a Remote.
type remoteReceiver Remote

// Receive is part of channel.Receiver. What is not an answer is not for this one.
func (r *remoteReceiver) Receive(bytes []byte) error {
	var (
		d wire.Decoder
		f wire.Frame
	)
	if err := d.Decode(bytes, &f); err != nil {
		return err
	}
	if f.To != r.id {
		return nil
	}
	for _, m := range f.Messages {
		select {
		case r.answers <- answer{f.From, f.Cluster, m}:
		default: // it will be asked for again
		}
	}
	return nil
}

// Unreachable is part of channel.Receiver. What is not answered is asked for again.
func (*remoteReceiver) Unreachable(raft.NodeID) {}

// Outline is part of Source. The first member that answers is the one that is asked for the
// parts.
func (r *Remote) Outline(ctx context.Context) (wire.ClusterID, *wire.BackupOutline, error) {
	r.member, r.cluster = raft.None, wire.ClusterID{}
	r.token++
	busy := false
	a, err := r.ask(ctx, &wire.FetchBackup{Token: r.token}, func(a answer) bool {
		switch m := a.message.(type) {
		case *wire.BackupOutline:
			return m.Token == r.token
		case *wire.BackupPart:
			busy = busy || m.Token == r.token
		}
		return false
	})
	if err != nil {
		if busy && errors.Is(err, ErrUnanswered) {
			err = fmt.Errorf("%w: those that can be reached make as many backups as they can, or have no snapshot yet", err)
		}
		return wire.ClusterID{}, nil, err
	}
	r.member, r.cluster = a.from, a.cluster
	return a.cluster, a.message.(*wire.BackupOutline), nil
}

// Part is part of Source.
func (r *Remote) Part(ctx context.Context, ofSnapshot bool, from uint64) ([]byte, error) {
	question := &wire.FetchBackupPart{Token: r.token, OfSnapshot: ofSnapshot, From: from}
	a, err := r.ask(ctx, question, func(a answer) bool {
		m, ok := a.message.(*wire.BackupPart)
		return ok && a.from == r.member && m.Token == r.token && m.OfSnapshot == ofSnapshot && m.From == from && m.Status != wire.BackupBusy
	})
	if err != nil {
		return nil, err
	}
	part := a.message.(*wire.BackupPart)
	if part.Status == wire.BackupGone {
		return nil, ErrGone
	}
	return part.Data, nil
}

// ask sends a question, to everybody as long as no member is known, until there is an answer
// that fits.
func (r *Remote) ask(ctx context.Context, question any, fits func(answer) bool) (answer, error) {
	again := time.NewTicker(askEvery)
	defer again.Stop()
	end := time.NewTimer(patience)
	defer end.Stop()
	for {
		if err := r.send(question); err != nil {
			return answer{}, err
		}
		for waiting := true; waiting; {
			select {
			case a := <-r.answers:
				if fits(a) {
					return a, nil
				}
			case <-again.C:
				waiting = false
			case <-end.C:
				return answer{}, fmt.Errorf("%w within %v", ErrUnanswered, patience)
			case <-ctx.Done():
				return answer{}, ctx.Err()
			}
		}
	}
}

func (r *Remote) send(question any) error {
	frame := wire.Frame{Cluster: r.cluster, From: r.id, To: r.member, Messages: []any{question}}
	bytes, err := wire.AppendFrame(nil, &frame)
	if err != nil {
		return err
	}
	if r.member == raft.None {
		return r.port.Broadcast(bytes)
	}
	if err := r.port.Send(r.member, channel.Urgent, bytes); errors.Is(err, channel.ErrClosed) {
		return err
	}
	return nil // it may be lost, and is sent again
}
