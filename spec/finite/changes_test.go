package finite

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/spec"
)

// membership builds a program of the model of that name, with four nodes, of which the first
// three found the cluster.
func membership(t *testing.T, c Changes, terms, indexes int, without ...string) string {
	t.Helper()
	m, err := spec.Load("membership")
	if err != nil {
		t.Fatal(err)
	}
	for _, requirement := range without {
		action, name, _ := strings.Cut(requirement, ".")
		m = m.Without(action, name)
	}
	s := c.Scope()
	s.Sizes["node"], s.Sizes["term"], s.Sizes["index"] = 4, terms, indexes
	return build(t, m, s)
}

func TestSingleServerChangesNeedACommitmentInTheLeadersTerm(t *testing.T) {
	// abcd loses either d or a: majorities of abc and bcd need not meet.
	c := Changes{Voters: []int{0b1111, 0b0111, 0b1110}, Direct: true}
	out, code := run(t, membership(t, c, 4, 2), "-from", "two_lead_of_four")
	if code != 0 || !strings.Contains(out, "which are all there are") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	out, code = run(t, membership(t, c, 4, 2, "change_configuration.own_term"), "-from", "two_lead_of_four")
	if code != 1 || !strings.Contains(out, "LeaderCompleteness does not hold") {
		t.Errorf("exit code %d without the rule:\n%s", code, out)
	}
}

func TestAJointConfigurationIsLeftWhenItIsCommitted(t *testing.T) {
	// abc hands over to d.
	c := Changes{Voters: []int{0b0111, 0b1000}}
	out, code := run(t, membership(t, c, 3, 4, "leave_joint.previous"), "-from", "an_entry_is_committed", "-depth", "7")
	if code != 1 || !strings.Contains(out, "does not hold after") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

func TestOneHalfOfAJointConfigurationDoesNotDecide(t *testing.T) {
	m, err := spec.Load("membership")
	if err != nil {
		t.Fatal(err)
	}
	s := Changes{Voters: []int{0b0111, 0b1000}}.Scope()
	s.Sizes["node"], s.Sizes["term"], s.Sizes["index"] = 4, 2, 2
	quorumOf := s.Fixed["quorum_of"]
	s.Fixed["quorum_of"] = func(a []int) int {
		if a[1] > 1 { // joint: as the half that comes in
			return quorumOf([]int{a[0], 3 - a[1]})
		}
		return quorumOf(a)
	}
	out, err := exec.CommandContext(t.Context(), build(t, m, s)).CombinedOutput() //nolint:gosec // what was just built
	if err == nil || !strings.Contains(string(out), "overlap does not hold") {
		t.Errorf("%v:\n%s", err, out)
	}
}
