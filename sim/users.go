package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/raft"
)

// users are those who append and read, at whichever node, and remember what they were
// told.
type users struct {
	world *world
	// values counts what was proposed, in the whole run.
	values int
	// log is what engines have yielded, by index; streams is the number that the last
	// value of each process had.
	log     []yielded
	streams map[string]int
	places  map[string]raft.Index
	// waiting are the requests under way at engines.
	waiting map[*engineProcess][]*request
	// told is the highest index that any user was told of, of an append or a read.
	told raft.Index
	// owed are values that were said to be appended by a node that could not read them back.
	owed []string
	// failed are values that were said not to be appended.
	failed  []string
	history history
}

// yielded is what an index yields to users, and what the register holds after it.
type yielded struct {
	index   raft.Index
	value   string
	swapped bool
	model
}

// request is one thing that a user waits for.
type request struct {
	kind     Kind
	proposal *engine.Proposal
	reading  *engine.Reading
	value    string
	op       int // in the history; -1 if it is not there
	// after is the highest index that any user had been told of when it began.
	after raft.Index
}

func (u *users) init(w *world) {
	u.world = w
	u.streams, u.places, u.waiting = map[string]int{}, map[string]raft.Index{}, map[*engineProcess][]*request{}
}

// members are the engines that are members and alive.
func (u *users) members() int {
	count := 0
	for _, n := range u.world.nodes {
		if p, ok := n.process.(*engineProcess); ok && p.known {
			count++
		}
	}
	return count
}

// do has a user do something at a node.
func (u *users) do(n *node, op Op) bool {
	if n.process == nil || n.paused {
		return false
	}
	switch p := n.process.(type) {
	case *coreProcess:
		switch op.Kind {
		case Propose:
			p.propose(int(min(max(op.Amount, 1), maxProposed)))
		case ReadIndex:
			p.read()
		default:
			return false
		}
	case *engineProcess:
		if !u.request(p, op) {
			return false
		}
	}
	n.rouse()
	return true
}

// maxWaiting is how many requests a node has under way in a run.
const maxWaiting = 64

func (u *users) request(p *engineProcess, op Op) bool {
	if op.Kind == GiveUp {
		return u.giveUp(p)
	}
	for range min(max(op.Amount, 1), 32) {
		if len(u.waiting[p]) >= maxWaiting || op.Kind == CompareAndSet && (u.history.full() || u.busy(p)) {
			return false
		}
		r := &request{kind: op.Kind, op: -1, after: u.told}
		var err error
		switch op.Kind {
		case Propose, CompareAndSet:
			p.said++
			u.values++
			r.value = fmt.Sprintf("%s.%d/%d %d", p.node.id, p.node.life, p.said, u.values)
			if op.Kind == CompareAndSet && op.Amount%2 == 0 {
				r.value += " set"
			} else if op.Kind == CompareAndSet {
				r.value += fmt.Sprintf(" if %d", p.register)
			}
			r.proposal, err = p.engine.Propose([]byte(r.value))
		case ReadIndex:
			r.reading, err = p.engine.BeginRead()
		default:
			return false
		}
		if err != nil {
			u.refused(p, r, err)
			return true
		}
		if op.Kind != Propose && !u.busy(p) {
			r.op = u.history.begin(u.world.step, p.node.number, r)
		}
		u.waiting[p] = append(u.waiting[p], r)
		if op.Kind != Propose {
			break
		}
	}
	return true
}

// busy reports whether the user of the register at a node waits for something: like a
// thread it does one thing after the other, or to find an order would take too long.
func (u *users) busy(p *engineProcess) bool {
	for _, r := range u.waiting[p] {
		if r.op >= 0 {
			return true
		}
	}
	return false
}

// refused is a request that did not begin.
func (u *users) refused(p *engineProcess, r *request, err error) {
	if !errors.Is(err, engine.ErrBusy) && !errors.Is(err, engine.ErrStandby) {
		u.world.violated(Honest, "%s refuses a request: %v", p.node.id, err)
	}
	if r.proposal != nil || r.value != "" {
		u.failed = append(u.failed, r.value)
	}
}

// giveUp has the user that waits longest at a node stop to wait.
func (u *users) giveUp(p *engineProcess) bool {
	if len(u.waiting[p]) == 0 {
		return false
	}
	r := u.waiting[p][0]
	ended, end := context.WithCancel(context.Background())
	end()
	var err error
	if r.proposal != nil {
		_, err = r.proposal.Wait(ended)
	} else {
		err = r.reading.Wait(ended)
	}
	u.waiting[p] = u.waiting[p][1:]
	u.ended(p, r, err)
	return true
}

// follow sees to the requests that a turn of their node has brought to an end.
func (u *users) follow(n *node) {
	p, ok := n.process.(*engineProcess)
	if !ok {
		return
	}
	p.yield()
	p.work()
	if len(u.waiting[p]) == 0 {
		return
	}
	rest := u.waiting[p][:0]
	for _, r := range u.waiting[p] {
		var (
			done bool
			err  error
		)
		if r.proposal != nil {
			_, done, err = r.proposal.Poll()
		} else {
			done, err = r.reading.Poll()
		}
		if done {
			u.ended(p, r, err)
		} else {
			rest = append(rest, r)
		}
	}
	clear(u.waiting[p][len(rest):])
	u.waiting[p] = rest
}

// ended is the outcome of a request, as its user is told.
func (u *users) ended(p *engineProcess, r *request, err error) {
	w := u.world
	switch {
	case err == nil && p.behind():
		// What it has applied cannot be read where it is damaged, until it is mended.
		u.history.uncertain(r.op)
		if r.proposal != nil {
			u.owed = append(u.owed, r.value)
		}
	case err == nil && r.proposal != nil:
		index, ok := u.places[r.value]
		if !ok {
			w.violated(Honest, "%s says that %q is in the log, and has not yielded it", p.node.id, r.value)
			u.history.uncertain(r.op)
			return
		}
		if index <= r.after {
			w.violated(Linearizable, "%q is at %d, though a user was told of %d before it was proposed", r.value, index, r.after)
		}
		p.checkResult(r, index)
		u.told = max(u.told, index)
		u.history.swapped(w.step, r.op, u.log[u.position(index)].swapped)
	case err == nil:
		w.report.Reads++
		seen, found := p.seen()
		if seen < r.after {
			w.violated(ReadFresh, "a read at %s sees the log up to %d, though a user was told of %d before it began", p.node.id, seen, r.after)
		}
		u.told = max(u.told, seen)
		u.history.read(w.step, r.op, found)
	case errors.Is(err, engine.ErrUncertain):
		u.history.uncertain(r.op)
	default:
		if r.proposal != nil {
			u.failed = append(u.failed, r.value)
		}
		u.history.forget(r.op)
	}
}

// position is where an index that yields a value is in the log.
func (u *users) position(index raft.Index) int {
	lo, hi := 0, len(u.log)
	for lo < hi {
		if mid := (lo + hi) / 2; u.log[mid].index < index {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// yielded follows what a node yields.
func (u *users) yielded(p *engineProcess, item *engine.Item) {
	p.register = u.hear(p, item, p.yielded).register
}

// hear holds what a node yields, or applies, after what it has yielded or applied before,
// against what others have, and against the log.
func (u *users) hear(p *engineProcess, item *engine.Item, before raft.Index) *yielded {
	w := u.world
	value := string(item.Value)
	i := u.position(item.Index)
	if i == len(u.log) {
		u.first(p, item, value)
	}
	if i == len(u.log) || u.log[i].index != item.Index || u.log[i].value != value {
		w.ends(SameFeed, "%s yields %q at %d, which others do not", p.node.id, value, item.Index)
	}
	if i > 0 && u.log[i-1].index > before {
		w.violated(SameFeed, "%s yields %d after %d, and leaves out %d", p.node.id, item.Index, before, u.log[i-1].index)
	}
	if item.Index <= before {
		w.violated(ExactlyOnce, "%s yields %d after %d", p.node.id, item.Index, before)
	}
	return &u.log[i]
}

// first is a value that no node has yielded before.
func (u *users) first(p *engineProcess, item *engine.Item, value string) {
	w := u.world
	var s *slot
	if item.Index <= w.oracle.commit() {
		s = w.oracle.committed[item.Index]
	}
	if s == nil || s.Term != item.Term || !bytes.HasSuffix(s.data, item.Value) {
		w.violated(SameFeed, "%s yields %q at %d, which is not what is committed there", p.node.id, value, item.Index)
	}
	if before, ok := u.places[value]; ok {
		w.violated(ExactlyOnce, "%q is at %d and at %d", value, before, item.Index)
	}
	u.places[value] = item.Index
	stream, number, change := parse(value)
	if number <= u.streams[stream] {
		w.violated(NodeOrder, "%q comes after number %d of the same node", value, u.streams[stream])
	}
	u.streams[stream] = number
	y := yielded{index: item.Index, value: value}
	y.model, y.swapped = u.modelAt(item.Index).after(item.Index, value, change)
	u.log = append(u.log, y)
}

// crashed ends those who wait at a node: they will not know.
func (u *users) crashed(n *node) {
	for p, waiting := range u.waiting {
		if p.node != n {
			continue
		}
		for _, r := range waiting {
			u.history.uncertain(r.op)
		}
		delete(u.waiting, p)
	}
}

// unresolved says who still waits; nobody if it is empty.
func (u *users) unresolved() string {
	for _, n := range u.world.nodes {
		if p, ok := n.process.(*coreProcess); ok && p.open() != "" {
			return p.open()
		}
		p, ok := n.process.(*engineProcess)
		if !ok || !p.known {
			continue
		}
		if waiting := u.waiting[p]; len(waiting) > 0 {
			return fmt.Sprintf("%d requests at %s have no answer, the first a %v %q", len(waiting), n.id, waiting[0].kind, waiting[0].value)
		}
	}
	return ""
}

// judge holds what users were told against what came of it.
func (u *users) judge() {
	for _, value := range u.failed {
		if index, ok := u.places[value]; ok {
			u.world.violated(Honest, "%q was said not to be appended, and is at %d", value, index)
		}
	}
	for _, value := range u.owed {
		if _, ok := u.places[value]; !ok {
			u.world.violated(Honest, "%q was said to be appended, and is nowhere", value)
		}
	}
	u.history.resolve(func(value string) (happened, swapped bool) {
		index, ok := u.places[value]
		return ok, ok && u.log[u.position(index)].swapped
	})
	if why := u.history.check(); why != "" {
		u.world.violated(Linearizable, "%s", why)
	}
}
