package sim

import "io"

// A Finding is a schedule that leads to a violation.
type Finding struct {
	Schedule  *Schedule  `json:"schedule"`
	Violation *Violation `json:"violation"`
}

// Run plays a schedule, which Validate has nothing against, and returns what happened and, if something that has to hold did
// not, what that was. What happens is told to out, a line for each event, unless it is
// nil.
func Run(s *Schedule, out io.Writer) (Report, *Violation) {
	report, _, violation := run(s, out)
	return report, violation
}
