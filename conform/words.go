package conform

import (
	"fmt"
	"strings"

	"github.com/ben-ng/gaggle/raft"
)

// what is a step in words.
func what(t *raft.Trace) string {
	switch {
	case t.Saved != nil:
		return "a start"
	case t.Update != nil:
		return "an update"
	}
	if e, ok := t.Event.(raft.Receive); ok {
		m := e.Message
		return fmt.Sprintf("%s of term %d from %s", strings.TrimPrefix(fmt.Sprintf("%T", m.Body), "*raft."), m.Term, m.From)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", t.Event), "raft.")
}

// describe says what the specification has of a node, in its own numbers but for the nodes.
func (c *Checker) describe(m *member) string {
	n, r := m.number, &c.state
	var b strings.Builder
	fmt.Fprintf(&b, "%s is node %d here, and indexes and terms are one less than those of the log. It", m.id, n)
	for _, role := range []struct {
		name string
		is   bool
	}{{"leads", r.leads.Set(0).Has(n)}, {"is a candidate", r.candidate.Set(0).Has(n)}, {"is a pre-candidate", r.preCandidate.Set(0).Has(n)}} {
		if role.is {
			fmt.Fprintf(&b, " %s,", role.name)
		}
	}
	fmt.Fprintf(&b, " is in term %v, has entries %v, damaged %v; knows to be committed:", r.current.Set(n), r.has.Set(n), r.damaged.Set(n))
	for _, row := range r.knows.Rows(n) {
		fmt.Fprintf(&b, " %v in term %d;", row.Set, row.Key)
	}
	fmt.Fprintf(&b, " has acknowledged:")
	for _, row := range r.ack.Rows(n) {
		fmt.Fprintf(&b, " %v in term %d;", row.Set, row.Key)
	}
	fmt.Fprintf(&b, " the disk has write %d, to %d, and %d writes are open", m.disk, r.wHas.Set(m.disk).Max(), len(m.open))
	return b.String()
}
