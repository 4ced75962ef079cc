package founding

// minHelloTicks is the shortest time between two hellos, in ticks. News wait that
// long, so that many changes at once make one hello.
const minHelloTicks = 1

// A greeter says when the next hello is due. The zero greeter wants one at once.
type greeter struct {
	saidAt uint64
	dueAt  uint64
}

func (g *greeter) due(now uint64) bool { return now >= g.dueAt }

// said notes that a hello goes out, and when the next is due if nothing happens.
func (g *greeter) said(now uint64, ticks int) { *g = greeter{now, now + uint64(ticks)} }

// hurry has the next hello said no later than so many ticks after the last.
func (g *greeter) hurry(ticks int) { g.dueAt = min(g.dueAt, g.saidAt+uint64(ticks)) }

// helloTicks is the time between hellos. Whoever founds needs to hear soon that there
// is a cluster; otherwise hellos are only for those who come later.
func (f *Founder) helloTicks() int {
	if f.saved.State == Fresh {
		return f.config.HelloTicks
	}
	return f.config.MemberHelloTicks
}
