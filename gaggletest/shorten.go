package gaggletest

import "slices"

// maxAttempts bounds how often commands are tried again to find out which are needed.
const maxAttempts = 300

// shortened leaves out commands as long as something is still found, first many at a time
// and then one by one. What is not found every time may stay longer than it need be.
func shortened[S, C, R any](t *trial[S, C, R], m Machine[S, C, R], commands []C, seed uint64) *trial[S, C, R] {
	attempts := 0
	for size := (len(commands) + 1) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(commands) && attempts < maxAttempts; attempts++ {
			fewer := slices.Delete(slices.Clone(commands), at, at+size)
			again := newTrial(m, fewer, seed)
			if again.run(); again.found == nil {
				at += size
				continue
			}
			t, commands = again, fewer[:again.found.after]
		}
	}
	return t
}
