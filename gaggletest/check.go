package gaggletest

import (
	"context"
	"slices"

	"github.com/ben-ng/gaggle"
)

// Check fails the test unless all nodes hold the same entries, in the same order, each as
// often as it was appended at most, and none that nobody appended. Nodes that the leader
// reaches must have all that was committed before the call, and are waited for. Those that
// it does not reach, or that have stopped, may lack the end. What the method Append of
// Nodes returned must be there.
//
// Whether an entry was appended is not known of values of type []byte, or if the test has
// a codec of its own. Whether an entry is there twice is known by its value: give values an
// identity, such as a number, to find what equal values would hide.
func (c *Nodes[T]) Check() {
	c.t.Helper()
	leader := c.Leader()
	ctx, cancel := context.WithTimeout(context.Background(), c.patience)
	defer cancel()
	if err := leader.Read(ctx); err != nil {
		c.t.Fatalf("gaggletest: %v", err)
	}
	last := leader.Status().Applied
	reached := slices.DeleteFunc(c.members(), func(m *member[T]) bool { return !c.reach(c.member(leader), m) })
	for _, m := range reached {
		c.Eventually(m.name+" has all entries", func() bool { return m.Status().Applied >= last })
	}
	c.report(c.record.verdict(c.logs(last, reached)))
}

// logs reads what each node says up to an index, those that stopped too. Some must have
// everything.
func (c *Nodes[T]) logs(last gaggle.Index, complete []*member[T]) (logs []nodeLog[T]) {
	c.t.Helper()
	for _, m := range c.all {
		log := nodeLog[T]{node: string(m.ID()), complete: slices.Contains(complete, m)}
		until := min(m.Status().Applied, last)
		for e, err := range m.Entries(context.Background(), gaggle.Until(until)) {
			if err != nil {
				c.t.Errorf("gaggletest: %v", err)
				break
			}
			log.entries = append(log.entries, e)
		}
		logs = append(logs, log)
	}
	return logs
}

// maxFaults is how many faults are told: what is wrong once is often wrong everywhere.
const maxFaults = 10

func (c *Nodes[T]) report(faults []string) {
	c.t.Helper()
	for _, fault := range faults[:min(len(faults), maxFaults)] {
		c.t.Errorf("gaggletest: %s", fault)
	}
	if more := len(faults) - maxFaults; more > 0 {
		c.t.Errorf("gaggletest: and %d faults more", more)
	}
}
