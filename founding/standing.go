package founding

import "slices"

// A reportable problem says what it is about: what is about the same is one problem.
type reportable interface {
	error
	about() string
}

func (e *SizeMismatchError) about() string { return "size of " + string(e.Node) }
func (e *TwoClustersError) about() string  { return "cluster " + e.Theirs.String() }
func (e *CopiedError) about() string       { return "processes of " + string(e.Node) }

// standing is a problem that was reported, and the tick at which what shows it was heard last.
type standing struct {
	problem reportable
	heardAt uint64
}

// stands notes that there is a problem, and reports it if that is news.
func (f *Founder) stands(problem reportable) {
	about := problem.about()
	at := slices.IndexFunc(f.standing, func(s standing) bool { return s.problem.about() == about })
	if at >= 0 {
		f.standing[at].heardAt = f.now
		return
	}
	if len(f.standing) == maxStanding {
		return
	}
	f.standing = append(f.standing, standing{problem, f.now})
	f.out.Problems = append(f.out.Problems, problem)
}

// maxStanding is how many problems are reported at a time. A node that hears of more has long
// been loud enough.
const maxStanding = maxPeers

// settle says which problems are over: nobody has been heard for a while who shows them.
func (f *Founder) settle() {
	f.standing = slices.DeleteFunc(f.standing, func(s standing) bool {
		over := f.now-s.heardAt >= uint64(f.config.SilentTicks)
		if over {
			f.out.Solved = append(f.out.Solved, s.problem)
		}
		return over
	})
}
