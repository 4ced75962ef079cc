package gaggle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/internal/state"
)

// A Replica is this process's copy of a state S that all nodes of a cluster share: commands
// C are applied to it, in one order on all nodes, each with a result R. All nodes must have
// the same S, C and R, the same Apply and the same codec.
type Replica[S, C, R any] struct {
	member
	machine *machine[S, C, R]
}

// Replicate joins a cluster, as Join does and with its options, that shares a state:
//
//	stock, err := gaggle.Replicate(ctx, ch, &Stock{}, (*Stock).Apply, gaggle.Size(3))
//
// The state is what it is before the first command, the same on all nodes. It belongs to
// the replica from then on: look at it with Read and Peek, and change it with Do.
//
// Apply applies a command to the state and returns a result. It is called on every node,
// for every command, one at a time, in the order of the log, so it has to come to the same
// everywhere: nothing but the state and the command may decide what it does. So it uses no
// clock, no random numbers, no order of a map, nothing that differs between processes, and
// no other goroutine; what it needs of these, the command brings along. gaggletest.Check and
// gaggletest.Fuzz find out whether that is so. Nor may a result share memory with the state,
// as it is read while the next command changes that. Apply need not lock anything. It must
// not call the replica. While it is slow, nothing but this node's answers is late, and the
// node takes no new commands when 65,536, or 64 MiB of them, wait for it. If it panics, the
// node stops with ErrMachine.
//
// Snapshots of the state are made in one of three ways: by the state itself, if it is a
// Snapshotter; by its methods MarshalBinary and UnmarshalBinary; else as JSON, for which
// Replicate looks whether it leaves anything out, and returns an error that says what to do
// if it does. Restoring from the last two makes a new S, so what they leave out is zero then,
// and in JSON, pointers to one thing become pointers to copies of it. They also encode the
// whole state while no command is applied: JSON at about 100 MB a second, so ten seconds for
// 1 GB. A Snapshotter only captures meanwhile, and writes while commands are applied. Equal
// states must be written as equal bytes, as nodes compare their snapshots: a node that has
// another state than a majority stops with ErrDiverged. If no state has a majority, all go on,
// and have ErrDiverged in Status.Problem. gaggletest.Replicated looks for such states.
//
// A member that only follows takes what is committed, however slow its Apply: the limit above
// is on new commands. What waits to be applied is in the log and nowhere else, from which it is
// read back: from the disk, if the node has a directory, but for the last 64 MiB. The log grows
// meanwhile, as no snapshot is made before it is applied.
//
// Errors: those of Join; what is wrong with the state, in words.
func Replicate[S, C, R any](ctx context.Context, ch channel.Channel, initial *S, apply func(*S, C) R, options ...Option) (*Replica[S, C, R], error) {
	if initial == nil || apply == nil {
		return nil, errors.New("gaggle: Replicate: the state or the function that applies commands is nil")
	}
	form, err := state.Of(initial)
	if err != nil {
		return nil, fmt.Errorf("gaggle: Replicate: %w", err)
	}
	m := &machine[S, C, R]{state: initial, apply: apply, form: form}
	node, err := join(ctx, "Replicate", ch, options, func(c Codec) engine.Machine {
		m.codec = c
		return m
	})
	if err != nil {
		return nil, err
	}
	return &Replica[S, C, R]{node, m}, nil
}

// A Snapshotter is a state that writes and reads its own snapshots. It is for states that
// are large, or that JSON does not carry.
type Snapshotter interface {
	// Snapshot captures the state as it is and returns what writes it. No command is applied
	// until it returns, and that is all that holds them up: for as long as it takes to copy what
	// changes, 0.3 ms for where 65,536 items are. The function
	// is called later, once at most, while commands are applied, so it must not look at
	// anything that they change. Equal states must be written as equal bytes: maps in the
	// order of their keys. After an error, of either, the node goes on without this snapshot
	// and keeps its log: Status.Problem has it, with ErrMachine.
	Snapshot() (write func(io.Writer) error, err error)
	// Restore makes the state what was written, whatever it was before. If it fails, the
	// node stops.
	Restore(r io.Reader) error
}

// Do has a command applied, once, on all nodes, and returns what Apply returned for it on
// this one. It may be called on any node, whoever leads, and waits as Append does. A command
// must be what the codec makes of it again: that is looked at before it is sent.
//
// Errors: those of Append, with the same meaning. After ErrUncertain the command was, or
// will be, applied once or not at all; so give commands that may be repeated an identity by
// which Apply knows them.
func (r *Replica[S, C, R]) Do(ctx context.Context, command C) (result R, err error) {
	data, err := encode(r.codec, command)
	if err != nil {
		return result, r.failure("append", err, encodeHint)
	}
	// A command that no node can decode would stop them all.
	if err := decode(r.codec, data, new(C)); err != nil {
		return result, r.failure("append", err, encodeHint)
	}
	_, outcome, err := r.engine.Do(ctx, data)
	result, _ = outcome.(R) // but for a nil in an interface, which has no type
	return result, err
}

// Read calls a function with the state, on which every command has been applied that was
// acknowledged anywhere in the cluster before the call: it is linearizable. It writes
// nothing, and costs what Node.Read does. Commands wait until the function returns, so it
// should be quick. It must change nothing, keep nothing that commands change, and not wait
// for Do.
//
// Errors: those of Node.Read; then the function was not called.
func (r *Replica[S, C, R]) Read(ctx context.Context, look func(*S)) error {
	if err := r.engine.Read(ctx); err != nil {
		return err
	}
	r.Peek(look)
	return nil
}

// Peek calls a function with the state as this node has it, at once. Commands that others
// know to be applied may be missing. The function is bound as that of Read is. It works on
// a replica that is closed, too.
func (r *Replica[S, C, R]) Peek(look func(*S)) { r.machine.look(look) }

// A machine is a state as the engine needs it. Nobody sees it half-changed.
type machine[S, C, R any] struct {
	mu    sync.RWMutex
	state *S
	apply func(*S, C) R
	codec Codec
	form  state.Form[S]
}

// Apply applies an encoded command.
func (m *machine[S, C, R]) Apply(_ Index, _ Term, value []byte) (any, error) {
	var command C
	if err := decode(m.codec, value, &command); err != nil {
		return nil, fmt.Errorf("a command cannot be decoded: %w; %s", err, decodeHint)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.apply(m.state, command), nil
}

func (m *machine[S, C, R]) Snapshot() (write func(io.Writer) error, err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.form.Capture(m.state)
}

func (m *machine[S, C, R]) Restore(r io.Reader) error {
	return m.form.Restore(m.state, r, &m.mu)
}

func (m *machine[S, C, R]) look(f func(*S)) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	f(m.state)
}
