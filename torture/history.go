//go:build unix

package main

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// An op is an append or a read of a client, and what came of it.
type op struct {
	number int // 1 is the first
	client int
	read   bool
	list   int
	// node, run and turn say which process was asked, and the how manieth of its values
	// it is.
	node, run, turn int
	// call and ret are when it was asked for and answered, since the history began.
	call, ret time.Duration
	outcome   outcome // empty while there is no answer
	answer    reply
}

// A history is all operations. It is safe for concurrent use.
type history struct {
	began time.Time

	mu     sync.Mutex
	number int // of the last that was reserved
	ops    []*op
	// appended and read are closed once one of the appends, or of the reads, was done.
	appended, read chan struct{}
}

func newHistory() *history {
	return &history{began: time.Now(), appended: make(chan struct{}), read: make(chan struct{})}
}

// awaitBoth returns when something was appended and something read, or the context has ended.
func (h *history) awaitBoth(ctx context.Context) {
	for _, once := range []chan struct{}{h.appended, h.read} {
		select {
		case <-once:
		case <-ctx.Done():
		}
	}
}

// reserve returns the number of an operation that may begin.
func (h *history) reserve() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.number++
	return h.number
}

// begin notes an operation that is asked for now.
func (h *history) begin(o *op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o.call = time.Since(h.began)
	h.ops = append(h.ops, o)
}

// end notes what came of it.
func (h *history) end(o *op, r reply) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o.ret, o.outcome, o.answer = time.Since(h.began), r.Outcome, r
	if r.Outcome != done {
		return
	}
	once := h.appended
	if o.read {
		once = h.read
	}
	select {
	case <-once:
	default:
		close(once)
	}
}

// all returns the operations; those without an answer have an unknown outcome. Answers that
// still come change nothing of it.
func (h *history) all() []*op {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*op, len(h.ops))
	for i, o := range h.ops {
		c := *o
		if c.outcome == "" {
			c.outcome = unknown
		}
		all[i] = &c
	}
	return all
}

// never is when an operation ends of which nobody knows.
const never = math.MaxInt64

// A listInput and a listOutput are an operation on a list, for the checker.
type listInput struct {
	read bool
	op   int
}

var listModel = porcupine.Model{
	Init: func() any { return listState{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(listState), input.(listInput), output.(listState)
		if !in.read {
			s = s.with(in.op)
		}
		return s == out, s
	},
	DescribeOperation: func(input, output any) string {
		in, out := input.(listInput), output.(listState)
		if in.read {
			return fmt.Sprintf("read: %d, %x", out.Length, out.Sum)
		}
		return fmt.Sprintf("append %d: %d, %x", in.op, out.Length, out.Sum)
	},
	DescribeState: func(state any) string {
		s := state.(listState)
		return fmt.Sprintf("%d, %x", s.Length, s.Sum)
	},
}

// checkable are the operations of each list, for the checker: those that took effect, as the
// log in which they are says, and reads that were answered.
func checkable(ops []*op, log map[int]placed) map[int][]porcupine.Operation {
	lists := map[int][]porcupine.Operation{}
	for _, o := range ops {
		p, there := log[o.number]
		c := porcupine.Operation{ClientId: o.client, Input: listInput{o.read, o.number}, Call: int64(o.call), Return: int64(o.ret)}
		switch {
		case o.outcome == done:
			c.Output = o.answer.List
		case !o.read && there:
			c.Output, c.Return = p.list, never
		default:
			continue
		}
		lists[o.list] = append(lists[o.list], c)
	}
	return lists
}

// checkPatience is how long the checker may take for one list. The answers leave it hardly
// a choice, so it takes milliseconds.
const checkPatience = 30 * time.Second

// checkLists says which lists no order explains.
func checkLists(ops []*op, log map[int]placed) (lists int, wrong []string) {
	byList := checkable(ops, log)
	for list, of := range byList {
		switch porcupine.CheckOperationsTimeout(listModel, of, checkPatience) {
		case porcupine.Ok:
		case porcupine.Illegal:
			wrong = append(wrong, fmt.Sprintf("list %d: no order of its %d operations explains the answers", list, len(of)))
		case porcupine.Unknown:
			wrong = append(wrong, fmt.Sprintf("list %d: it is not known whether an order of its %d operations explains the answers", list, len(of)))
		}
	}
	return len(byList), wrong
}
