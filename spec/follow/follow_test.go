package follow

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/spec"
)

// layouts of the model of Raft, as those who follow it have them.
var layouts = map[string]string{
	"held": "t t t t", "pre_asked": "t t t t", "asked": "t t t t", "pre_vote": "t t t", "vote": "t t t",
	"timeout_now": "t t", "offered": "t t t", "m_append": "t", "m_snapshot": "t", "m_heartbeat": "t", "m_offer": "t",
	"r_open": "t", "r_done": "t", "issued": "t", "in_quorum": "v k",
	"term_at": "k v f", "w_term_at": "k v f", "m_entry": "k v f", "l_term_at": "k v f",
}

// sizes are how many things of each sort the plain evaluator knows.
var sizes = map[string]uint64{"node": 2, "term": 3, "index": 4, "write": 5, "message": 4, "quorum": 2, "value": 3, "read": 2}

// A plain evaluator of the language, as it is written down: no sets, no columns, every quantifier
// a loop over all there is.
type plain struct {
	model *spec.Model
	state map[string]map[string]uint64
}

func key(args []uint64) string { return fmt.Sprint(args) }

func (p *plain) eval(f *spec.Formula, env map[string]uint64) uint64 {
	truth := func(b bool) uint64 {
		if b {
			return 1
		}
		return 0
	}
	switch f.Op {
	case spec.Variable:
		return env[f.Name]
	case spec.True:
		return 1
	case spec.False:
		return 0
	case spec.Not:
		return 1 - p.eval(f.Args[0], env)
	case spec.And:
		for _, a := range f.Args {
			if p.eval(a, env) == 0 {
				return 0
			}
		}
		return 1
	case spec.Or:
		for _, a := range f.Args {
			if p.eval(a, env) == 1 {
				return 1
			}
		}
		return 0
	case spec.Implies:
		return truth(p.eval(f.Args[0], env) == 0 || p.eval(f.Args[1], env) == 1)
	case spec.Equal:
		return truth(p.eval(f.Args[0], env) == p.eval(f.Args[1], env))
	case spec.If:
		if p.eval(f.Args[0], env) == 1 {
			return p.eval(f.Args[1], env)
		}
		return p.eval(f.Args[2], env)
	case spec.Forall, spec.Exists:
		found := p.each(f.Bound, env, func(inner map[string]uint64) bool {
			return p.eval(f.Args[0], inner) == truth(f.Op == spec.Exists)
		})
		return truth(found == (f.Op == spec.Exists))
	case spec.Call:
	}
	var args []uint64
	for _, a := range f.Args {
		args = append(args, p.eval(a, env))
	}
	if strings.HasSuffix(f.Name, ".le") {
		return truth(args[0] <= args[1])
	}
	if d := p.model.Definition(f.Name); d != nil {
		inner := map[string]uint64{}
		for i, param := range d.Params {
			inner[param.Name] = args[i]
		}
		return p.eval(d.Body, inner)
	}
	return p.state[f.Name][key(args)]
}

// each reports whether something is so for any values of variables.
func (p *plain) each(bound []spec.Typed, env map[string]uint64, is func(map[string]uint64) bool) bool {
	if len(bound) == 0 {
		return is(env)
	}
	for x := range sizes[bound[0].Sort] {
		inner := map[string]uint64{bound[0].Name: x}
		for name, v := range env {
			if _, shadowed := inner[name]; !shadowed {
				inner[name] = v
			}
		}
		if p.each(bound[1:], inner, is) {
			return true
		}
	}
	return false
}

// do takes a step, if what it requires is so.
func (p *plain) do(a *spec.Action, args []uint64) bool {
	env := map[string]uint64{}
	for i, param := range a.Params {
		env[param.Name] = args[i]
	}
	for _, r := range a.Requires {
		if p.eval(r.Formula, env) == 0 {
			return false
		}
	}
	after := map[string]map[string]uint64{}
	for _, u := range a.Updates {
		changed := map[string]uint64{}
		for k, v := range p.state[u.Symbol.Name] {
			changed[k] = v
		}
		var free []spec.Typed
		for _, arg := range u.Args {
			if !arg.Fixed {
				free = append(free, arg.Typed)
			}
		}
		p.each(free, env, func(inner map[string]uint64) bool {
			var at []uint64
			for _, arg := range u.Args {
				if arg.Fixed {
					at = append(at, p.eval(arg.Formula, env))
				} else {
					at = append(at, inner[arg.Name])
				}
			}
			changed[key(at)] = p.eval(u.Value, inner)
			return false
		})
		after[u.Symbol.Name] = changed
	}
	for name, changed := range after {
		p.state[name] = changed
	}
	return true
}

// differs says where a run's state is not the plain one; nothing if it is.
func (p *plain) differs(r *Run) string {
	for _, s := range p.model.Symbols {
		k := r.Relation(s.Name)
		if k == nil || !s.State {
			continue
		}
		var bound []spec.Typed
		for i, sort := range s.Args {
			bound = append(bound, spec.Typed{Name: fmt.Sprint(i), Sort: sort})
		}
		what := ""
		p.each(bound, nil, func(env map[string]uint64) bool {
			args := make([]uint64, len(bound))
			for i := range args {
				args[i] = env[fmt.Sprint(i)]
			}
			want := p.state[s.Name][key(args)]
			var got uint64
			switch {
			case s.Sort == spec.Bool:
				if k.Holds(args...) {
					got = 1
				}
			case k.vec >= 0:
				got, _ = k.Column(args[0]).At(args[k.vec])
			default:
				got = k.of(args[0]).value
			}
			if got != want {
				what = fmt.Sprintf("%s%v is %d, and should be %d", s.Name, args, got, want)
			}
			return what != ""
		})
		if what != "" {
			return what
		}
	}
	return ""
}

// ends are steps that little comes after, as they can always be taken.
var ends = map[string]bool{"step_down": true, "restart": true, "enter_term": true, "lose_snapshot": true, "find_damage": true, "torn": true}

// leads is how node 0 comes to lead term 1, with an entry, and to have sent it: what is drawn
// seldom comes to that.
var leads = []struct {
	action string
	args   []uint64
}{
	{"campaign", []uint64{0, 0, 1, 0, 0}},
	{"stand", []uint64{0, 0, 1, 0, 0, 0}},
	{"hand_out_write", []uint64{0, 1}},
	{"persisted", []uint64{0, 1}},
	{"send_request_vote", []uint64{0, 1, 0, 0, 1}},
	{"grant_vote", []uint64{1, 0, 0, 1, 0, 0, 0, 0}},
	{"send_vote", []uint64{0, 1, 0, 1}},
	{"become_leader", []uint64{0, 1, 0}},
	{"propose", []uint64{0, 1, 1, 1}},
	{"propose", []uint64{0, 1, 2, 2}},
	{"send_append", []uint64{0, 1, 0, 0, 0, 2, 1}},
	{"hand_out_write", []uint64{0, 2}},
	{"persisted", []uint64{0, 2}},
	{"acknowledge", []uint64{0, 1, 2, 2}},
	{"advance_commit", []uint64{0, 1, 2, 0}},
	{"send_heartbeat", []uint64{0, 1, 1, 1, 0}},
	{"heartbeat", []uint64{1, 1, 1}},
	{"send_snapshot", []uint64{0, 1, 2, 2, 1, 1}},
	{"append_new", []uint64{1, 1, 0}}, // or install_snapshot
	{"install_nothing_new", []uint64{1, 1, 2, 2, 0}},
}

// Steps that are drawn are taken, or refused, as the language says, and change what it says.
func TestAModelIsFollowedAsItIsWrittenDown(t *testing.T) {
	m, err := spec.Load("raft")
	if err != nil {
		t.Fatal(err)
	}
	taken := map[string]int{}
	rounds, tries, most := 16, 300000, 15
	if testing.Short() {
		rounds = 1
	}
	r, err := New(m, layouts)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(rounds) {
		r.Reset()
		p := &plain{m, map[string]map[string]uint64{"in_quorum": {}, "issued": {}}}
		for sort, size := range sizes {
			for x := range size {
				r.Know(sort, x)
			}
		}
		for n := range sizes["node"] {
			// One node is quorum 0, and both are quorum 1.
			for q := range sizes["quorum"] {
				if n == 0 || q == 1 {
					r.Set("in_quorum", n, q)
					p.state["in_quorum"][key([]uint64{n, q})] = 1
				}
			}
		}
		begin(p)
		if what := p.differs(r); what != "" {
			t.Fatalf("at the beginning, %s", what)
		}
		random := rand.New(rand.NewPCG(seed, 1))
		last, now := []uint64{}, map[string]int{}
		for i := range tries {
			a := m.Actions[random.IntN(len(m.Actions))]
			scripted := seed%4 > 0 && i < len(leads)
			if scripted {
				a = m.Action(leads[i].action)
				if a.Name == "append_new" && seed%4 == 1 {
					a = m.Action("install_snapshot")
				}
			}
			if now[a.Name] >= most || ends[a.Name] && now[a.Name] > 0 {
				continue
			}
			args := make([]uint64, len(a.Params))
			for i, param := range a.Params {
				args[i] = random.Uint64N(sizes[param.Sort])
				if param.Sort == "value" {
					args[i] = 1 + random.Uint64N(sizes[param.Sort]-1) // 0 is what nobody has said
				}
			}
			if scripted {
				args = leads[i].args
				if a.Name == "install_snapshot" {
					args = []uint64{1, 1, 2}
				}
			}
			err := r.Action(a.Name).Do(args...)
			if is := p.do(a, args); is != (err == nil) {
				t.Fatalf("seed %d: %s%v: %v, and should be taken: %t", seed, a.Name, args, err, is)
			}
			if err != nil {
				continue
			}
			taken[a.Name]++
			now[a.Name]++
			if what := p.differs(r); what != "" {
				t.Fatalf("seed %d: after %s%v, behind %v: %s", seed, a.Name, args, last, what)
			}
			last = args
		}
	}
	t.Log(taken)
	for _, a := range m.Actions {
		if taken[a.Name] == 0 && !testing.Short() {
			t.Errorf("%s was never taken", a.Name)
		}
	}
}

// begin is the initial state, as raft.epr says it.
func TestARunThatBeginsAnewKeepsNothing(t *testing.T) {
	m, err := spec.Load("raft")
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(m, layouts)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range m.Sorts { // many things, of which some are not kept in an array
		for x := range uint64(2 * dense) {
			r.Know(s.Name, x)
		}
	}
	for _, k := range r.relations {
		if k.tuples {
			k.setTuple(7, [3]uint64{8}, true)
		} else {
			*k.at(2 * dense) = kept{set: span(1, 2)}
		}
	}
	r.Set("in_quorum", 1, 1)
	r.Reset()
	for name, k := range r.relations {
		if len(k.more) > 0 || len(k.kept) > 1 || len(k.list) > 1 {
			t.Errorf("%s keeps %v, %v and %v", name, k.kept, k.more, k.list)
		}
	}
	for sort, d := range r.domains {
		if len(d.things) > 1 || len(d.known) != len(d.things) {
			t.Errorf("of %s, %v are there", sort, d.things)
		}
	}
}

func begin(p *plain) {
	set := func(name string, args ...uint64) {
		if p.state[name] == nil {
			p.state[name] = map[string]uint64{}
		}
		p.state[name][key(args)] = 1
	}
	for n := range sizes["node"] {
		set("current", n, 0)
		set("disk", n, 0)
	}
	for w := range sizes["write"] {
		set("w_current", w, 0)
	}
	set("issued", 0)
}
