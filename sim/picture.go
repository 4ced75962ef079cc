package sim

import (
	"errors"
	"time"

	"github.com/anishathalye/porcupine"
)

// ErrNoHistory says that a run has no history to make a picture of.
var ErrNoHistory = errors.New("sim: no user has read or changed the register")

// pictureTime is how long to look for an order of a history that goes farthest: without
// it the picture only has the operations.
const pictureTime = 10 * time.Second

// Picture plays a schedule, and makes a page of HTML that shows the history of its users:
// what they did with the register, when, what they saw, and how much of it an order
// explains. It gives ErrNoHistory if there was nothing to show.
func Picture(s *Schedule, path string) error {
	ops := historyOf(s)
	if len(ops) == 0 {
		return ErrNoHistory
	}
	_, info := porcupine.CheckOperationsVerbose(registerModel, ops, pictureTime)
	return porcupine.VisualizePath(registerModel, info, path)
}

// historyOf plays a schedule for the history alone.
func historyOf(s *Schedule) []porcupine.Operation {
	w := newWorld(s, nil)
	_ = w.play() // whoever made the finding knows
	ops := w.users.history.known()
	for i := range ops {
		// What never ended goes on until the end; to that of all time it would leave no
		// room for anything else.
		ops[i].Return = min(ops[i].Return, int64(2*w.step+2))
	}
	return ops
}
