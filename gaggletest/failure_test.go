package gaggletest

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle"
)

// failing is set where the tests that have to fail are run.
const failing = "GAGGLETEST_FAILING"

// outputOf runs this test program once more for a test that has to fail, as only a failure
// shows what a failure says, and returns its output.
func outputOf(t *testing.T, test string) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	again := exec.CommandContext(t.Context(), program, "-test.v", "-test.run=^"+test+"$") //nolint:gosec // this program itself
	again.Env = append(os.Environ(), failing+"=1")
	output, err := again.CombinedOutput()
	if exit := new(exec.ExitError); !errors.As(err, &exit) {
		t.Fatalf("%s has not failed: %v\n%s", test, err, output)
	}
	return string(output)
}

// What the doc of the package shows.
type (
	docOrder struct {
		Item string
		N    int
	}
	docStock struct{ Sold map[string]string }
)

func (s *docStock) Apply(o docOrder) int {
	s.Sold[o.Item] = time.Now().UTC().Format(time.DateTime)
	return o.N
}

func docMachine() Machine[*docStock, docOrder, int] {
	return Machine[*docStock, docOrder, int]{
		New:   func() *docStock { return &docStock{map[string]string{}} },
		Apply: (*docStock).Apply,
		Command: func(s *Source) docOrder {
			return docOrder{Pick(s, "egg", "nest"), s.IntN(20) - 10}
		},
	}
}

func TestTheDocShowsWhatIsPrinted(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	text := trialOf(t, docMachine(), 1, 200)
	if text == "" || !strings.Contains(string(doc), "\n//\t"+strings.ReplaceAll(text, "\n", "\n//\t")+"\n") {
		t.Errorf("doc.go lacks what is printed:\n%s", text)
	}
}

// FuzzToFail fails, with a machine that needs two commands for it.
func FuzzToFail(f *testing.F) {
	if os.Getenv(failing) == "" {
		f.Skip("it has to fail")
	}
	Fuzz(f, spoil(func(s *shop, _ *order) {
		if s.Stock["egg"] > 40 && s.Stock["down"] < -20 {
			s.Log = append(s.Log, time.Now().String())
		}
	}))
}

func TestAFailureOfFuzzIsShortAndNamesNoSeed(t *testing.T) {
	output := outputOf(t, "FuzzToFail")
	failures := strings.Split(output, "gaggletest: after ")[1:]
	if len(failures) == 0 {
		t.Fatalf("nothing is found:\n%s", output)
	}
	for _, failure := range failures {
		if n := strings.Count(failure, "command "); n == 0 || n > 5 {
			t.Errorf("it shows %d commands:\n%s", n, failure)
		}
		if strings.Contains(failure, "(seed") {
			t.Errorf("it names a seed, which nobody can use:\n%s", failure)
		}
	}
}

// misuses are calls with arguments that cannot be, and what is said of them.
var misuses = []struct {
	name, want string
	call       func(t *testing.T)
}{
	{"no nodes", "gaggletest: Cluster: the size is 0,", func(t *testing.T) { Cluster[int](t, 0) }},
	{"fewer", "gaggletest: Cluster: the size is -1,", func(t *testing.T) { Cluster[int](t, -1) }},
	{"Node too high", "gaggletest: Node: there is no place 2, as the places are 0 to 1", func(t *testing.T) { Cluster[int](t, 2).Node(2) }},
	{"Node too low", "gaggletest: Node: there is no place -1,", func(t *testing.T) { Cluster[int](t, 2).Node(-1) }},
	{"Nodes", "gaggletest: Nodes: there is no place 2,", func(t *testing.T) { Cluster[int](t, 2).Nodes(0, 2) }},
	{"Seeds", "gaggletest: Seeds: the number is 0,", func(t *testing.T) { Run(t, func(*testing.T) {}, Seeds(0)) }},
	{"no commands", "gaggletest: Check: the number of commands is 0,", func(t *testing.T) { Check(t, shopMachine(), 1, 0) }},
	{"negative commands", "gaggletest: Check: the number of commands is -1,", func(t *testing.T) { Check(t, shopMachine(), 1, -1) }},
}

func TestMisuseToFail(t *testing.T) {
	if os.Getenv(failing) == "" {
		t.Skip("it has to fail")
	}
	for _, m := range misuses {
		t.Run(m.name, func(t *testing.T) {
			if m.name == "Seeds" {
				m.call(t) // Run makes the bubble
				return
			}
			synctest.Test(t, m.call)
		})
	}
}

func TestWrongArgumentsAreAnsweredAtOnce(t *testing.T) {
	output := outputOf(t, "TestMisuseToFail")
	if strings.Contains(output, "panic: ") {
		t.Errorf("something panics:\n%s", output)
	}
	for _, m := range misuses {
		if !strings.Contains(output, m.want) {
			t.Errorf("%s: it does not say %q:\n%s", m.name, m.want, output)
		}
	}
}

func TestHowANodeStandsIsSaidShortly(t *testing.T) {
	s := gaggle.Status{ID: "n1", Term: 2}
	text := standing(s, false)
	if !strings.HasSuffix(text, "and follows nobody") {
		t.Errorf("of a node that is well it says %q", text)
	}
	s.Leader, s.Problem = "n0", os.ErrPermission
	if text := standing(s, true); !strings.HasSuffix(text, "and follows n0; it stands still; problem: permission denied") {
		t.Errorf("of one that is not it says %q", text)
	}
}

func TestUnderFuzzItIsKnown(t *testing.T) {
	if fuzzing() {
		t.Skip("this is run with -fuzz")
	}
	if err := flag.Set("test.fuzz", "FuzzStock"); err != nil {
		t.Fatal(err)
	}
	is := fuzzing()
	if err := flag.Set("test.fuzz", ""); err != nil { // before anything else looks at it
		t.Fatal(err)
	}
	if !is {
		t.Error("-fuzz is given, and not seen")
	}
}
