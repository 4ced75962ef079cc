package sim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/raft"
)

// model is what a state machine holds after a value: what users.log has of each index.
type model struct {
	// count is how many values were applied, digest what follows from all of them in their
	// order, and register what they have set.
	count    uint64
	digest   uint64
	register register
}

// after is what a model holds after one more value.
func (m model) after(index raft.Index, value string, c change) (next model, swapped bool) {
	next = m
	next.count++
	next.digest = (next.digest ^ uint64(index)) * hashFactor
	for i := range len(value) {
		next.digest = (next.digest ^ uint64(value[i])) * hashFactor
	}
	next.register, swapped = c.apply(m.register)
	return next, swapped
}

// machine is the state machine of an engine: it comes to the state of the model, unless it is
// made to diverge, and each call is held against that.
type machine struct {
	process *engineProcess
	model
	// index is that of the value applied last.
	index raft.Index
	// taint is not 0 if the state is another one than that of the other nodes; tainted: it was
	// at some time, and a sum of it may be compared later.
	taint   uint64
	tainted bool
	// results are what Apply has returned, by index.
	results map[raft.Index]uint64
	// finding is what does not hold. An engine takes a panic of its machine for an error.
	finding any
}

var errFinding = errors.New("the simulator has found something")

// watched does something, and keeps what is found.
func (m *machine) watched(do func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			switch r.(type) {
			case *Violation, noWayOn:
				m.finding, err = r, errFinding
			default:
				panic(r)
			}
		}
	}()
	do()
	return nil
}

// Apply is Machine.Apply. It returns what follows from the state.
func (m *machine) Apply(index raft.Index, term raft.Term, value []byte) (result any, err error) {
	err = m.watched(func() {
		u := &m.process.node.world.users
		entry := u.hear(m.process, &engine.Item{Index: index, Term: term, Value: value}, m.index)
		m.model, m.index = entry.model, index
		m.results[index] = m.digest ^ m.taint
	})
	return m.results[index], err
}

// stateBytes is how large a state is: a few messages of a transfer.
const stateBytes = 3000

// Snapshot is Machine.Snapshot.
func (m *machine) Snapshot() (write func(io.Writer) error, err error) {
	m.process.node.world.report.Faults["snapshot taken"]++
	state := m.appendBinary(nil)
	return func(w io.Writer) error {
		for len(state) > 0 { // in pieces, as most do
			n := min(len(state), 1000)
			if _, err := w.Write(state[:n]); err != nil {
				return err
			}
			state = state[n:]
		}
		return nil
	}, nil
}

// appendBinary appends the state, with bytes behind it that follow from it.
func (m *machine) appendBinary(b []byte) []byte {
	for _, x := range []uint64{uint64(m.index), m.count, m.digest, uint64(m.register), m.taint} {
		b = binary.BigEndian.AppendUint64(b, x)
	}
	for seed := m.digest ^ m.taint; len(b) < stateBytes; {
		b = binary.BigEndian.AppendUint64(b, mix(&seed))
	}
	return b
}

// Restore is Machine.Restore. The state has to be one that a machine had.
func (m *machine) Restore(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err // it may be damaged, or the power is gone
	}
	return m.watched(func() { m.restore(b) })
}

func (m *machine) restore(b []byte) {
	n := m.process.node
	w := n.world
	if len(b) < stateBytes {
		w.ends(SameState, "%s is to restore a state of %d bytes", n.id, len(b))
	}
	field := func(i int) uint64 { return binary.BigEndian.Uint64(b[8*i:]) }
	state := machine{
		index: raft.Index(field(0)), taint: field(4),
		model: model{count: field(1), digest: field(2), register: register(field(3))},
	}
	if !bytes.Equal(state.appendBinary(nil), b) {
		w.ends(SameState, "%s is to restore what is no state", n.id)
	}
	if had := w.users.modelAt(state.index); had != state.model {
		w.ends(SameState, "%s is to restore %+v at %d, where the state is %+v", n.id, state.model, state.index, had)
	}
	m.model, m.index, m.taint = state.model, state.index, state.taint
	m.tainted = m.tainted || m.taint != 0
	w.report.Faults["state restored"]++
	if m.taint != 0 && n.number != w.spoiled() {
		w.report.Faults["diverged state spread"]++
		w.spread = true
	}
	w.trace.line(w.now, "%s restores the state at %d, after %d values", n.id, m.index, m.count)
}

// diverge makes the state another one.
func (m *machine) diverge() { m.taint, m.tainted = hashFactor, true }

// modelAt is what a state machine holds at an index.
func (u *users) modelAt(index raft.Index) model {
	if i := u.position(index + 1); i > 0 {
		return u.log[i-1].model
	}
	return model{}
}

// work lets the state machine work: at once, or later, if it is a slow one.
func (p *engineProcess) work() {
	if p.machine == nil {
		return
	}
	n := p.node
	worked := p.worked
	p.worked = false
	if delay := n.world.setup.WorkDelay; delay == 0 {
		p.engine.Work()
	} else if s := p.engine.Status(); !p.workDue && (!worked || s.MachineApplied < s.Applied) {
		p.workDue = true
		n.world.events.push(event{at: n.world.now + delay, kind: loaded, node: n, life: n.life, number: workNumber})
	}
	p.raise()
}

// workNumber is the number of a job that is the state machine's.
const workNumber = 0

// raise ends the run with what the state machine has found.
func (p *engineProcess) raise() {
	if p.machine != nil && p.machine.finding != nil {
		panic(p.machine.finding)
	}
}

// seen is up to where a read at the node sees the log, and what it finds.
func (p *engineProcess) seen() (raft.Index, register) {
	if p.machine != nil {
		return p.engine.Status().MachineApplied, p.machine.register
	}
	return p.yielded, p.register
}

// checkResult holds what a user was answered against what the state machine has returned.
func (p *engineProcess) checkResult(r *request, index raft.Index) {
	if p.machine == nil {
		return
	}
	item, _, _ := r.proposal.Poll()
	result, _ := r.proposal.Result().(uint64)
	if want, ok := p.machine.results[index]; item.Index != index || !ok || result != want {
		p.node.world.violated(Honest, "%s answers %q, which is at %d, with %x of %d; applied there it gave %x",
			p.node.id, r.value, index, result, item.Index, want)
	}
}

// machineBehind says how the state machine of a node is behind what is committed, when all
// is at rest; nothing if it is not.
func (p *engineProcess) machineBehind() string {
	u := &p.node.world.users
	if m := p.machine; m != nil && m.count != uint64(len(u.log)) {
		return fmt.Sprintf("the machine of %s has applied %d of %d values", p.node.id, m.count, len(u.log))
	}
	return ""
}
