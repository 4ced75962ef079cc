package sim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/anishathalye/porcupine"
)

// register is what the state machine of the users holds: the number of the value that
// set it last.
type register int

// A change is what a value does to the register: nothing, or it sets it to the number of
// the value, always or only if it holds another.
type change struct {
	to, only      register
	always, never bool
}

func (c change) apply(r register) (register, bool) {
	if !c.never && (c.always || r == c.only) {
		return c.to, true
	}
	return r, false
}

// A value reads "a/3 17", the 17th value of the run and the third that process a has
// proposed, and may go on with "set" or "if 12". parse reads it.
func parse(value string) (stream string, number int, c change) {
	fields := strings.Fields(value)
	if len(fields) < 2 {
		return value, 0, change{never: true}
	}
	stream, digits, _ := strings.Cut(fields[0], "/")
	number, _ = strconv.Atoi(digits)
	c.to = toRegister(fields[1])
	switch {
	case len(fields) == 3 && fields[2] == "set":
		c.always = true
	case len(fields) == 4 && fields[2] == "if":
		c.only = toRegister(fields[3])
	default:
		c.never = true
	}
	return stream, number, c
}

func toRegister(digits string) register {
	n, _ := strconv.Atoi(digits)
	return register(n)
}

// history is what users did with the register, and when: porcupine looks for an order of
// it that explains what they saw.
type history struct {
	ops []porcupine.Operation
	// values are what the operations appended.
	values []string
	// gone are those that had no effect.
	gone []bool
}

// maxHistory is how many operations on the register there are in a run: to find an order
// takes time that grows fast with how many go on at once.
const maxHistory = 100

func (h *history) full() bool { return len(h.ops) >= maxHistory }

type registerInput struct {
	read   bool
	change change
}

type registerOutput struct {
	unknown bool
	value   register
	swapped bool
}

func (h *history) begin(step, client int, r *request) int {
	if h.full() {
		return -1
	}
	in := registerInput{read: r.kind == ReadIndex}
	if !in.read {
		_, _, in.change = parse(r.value)
	}
	h.ops = append(h.ops, porcupine.Operation{
		ClientId: client, Input: in, Call: int64(2 * step),
		Output: registerOutput{unknown: true}, Return: 1 << 62,
	})
	h.gone, h.values = append(h.gone, false), append(h.values, r.value)
	return len(h.ops) - 1
}

func (h *history) end(step, op int, out registerOutput) {
	if op >= 0 {
		h.ops[op].Return, h.ops[op].Output = int64(2*step+1), out
	}
}

func (h *history) swapped(step, op int, swapped bool) {
	h.end(step, op, registerOutput{swapped: swapped})
}

func (h *history) read(step, op int, value register) { h.end(step, op, registerOutput{value: value}) }

// uncertain is an operation that may have happened at any time since it began.
func (h *history) uncertain(op int) {
	if op >= 0 && h.ops[op].Input.(registerInput).read {
		h.gone[op] = true
	}
}

// forget is an operation that did not happen.
func (h *history) forget(op int) {
	if op >= 0 {
		h.gone[op] = true
	}
}

var registerModel = porcupine.Model{
	Init: func() any { return register(0) },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(register), input.(registerInput), output.(registerOutput)
		if in.read {
			return out.unknown || out.value == s, s
		}
		next, swapped := in.change.apply(s)
		return out.unknown || out.swapped == swapped, next
	},
	DescribeOperation: func(input, output any) string {
		in, out := input.(registerInput), output.(registerOutput)
		switch {
		case in.read:
			return fmt.Sprintf("read %d", out.value)
		case in.change.always:
			return fmt.Sprintf("set %d", in.change.to)
		}
		return fmt.Sprintf("set %d if %d: %t", in.change.to, in.change.only, out.swapped)
	},
	DescribeState: func(state any) string { return fmt.Sprint(state) },
}

// resolve tells, when all is over, which of the changes that nobody was told of have
// happened.
func (h *history) resolve(outcome func(value string) (happened, swapped bool)) {
	for i := range h.ops {
		if op := &h.ops[i]; op.Output.(registerOutput).unknown && !op.Input.(registerInput).read {
			happened, swapped := outcome(h.values[i])
			op.Output = registerOutput{swapped: swapped}
			h.gone[i] = h.gone[i] || !happened
		}
	}
}

// known are the operations that count.
func (h *history) known() []porcupine.Operation {
	var ops []porcupine.Operation
	for i, op := range h.ops {
		if !h.gone[i] && !(op.Input.(registerInput).read && op.Output.(registerOutput).unknown) {
			ops = append(ops, op)
		}
	}
	return ops
}

// check says why the history is not linearizable; nothing if it is.
func (h *history) check() string {
	ops := h.known()
	if porcupine.CheckOperations(registerModel, ops) {
		return ""
	}
	return fmt.Sprintf("no order of %d operations explains what was read", len(ops))
}
