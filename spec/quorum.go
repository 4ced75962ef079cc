package spec

import (
	"fmt"
	"strconv"
	"strings"
)

// Quorums are the questions that prove what raft.epr has as the axiom quorums_meet, and what
// changes of membership rest on: two sets of nodes that decide have a node in common, if both
// decide in one configuration, joint or not, or one in a joint configuration and the other in
// the one before or after it. The answers have to be "unsat".
//
// They are about any number of nodes. Of a node it only matters whether it is one of the
// voters V, of the outgoing voters O, and in the sets A and B: that makes sixteen kinds of
// nodes. How many there are of each kind is all that majorities depend on, and whether A and
// B meet as well. So each claim is one about sixteen numbers, which are added up and compared
// (as is usual for sets with sizes: Kuncak, Nguyen and Rinard, "Deciding Boolean Algebra with
// Presburger Arithmetic", 2006).
func Quorums() Question {
	return quorumQuestion("quorums", []quorumClaim{
		{"within_one_configuration", and(decides("A"), decides("B"))},
		{"joint_and_the_one_before", and(joint(), majority("A", "O"), decides("B"))},
		{"joint_and_the_one_after", and(joint(), majority("A", "V"), decides("B"))},
	})
}

// DisjointQuorums is a question like those of Quorums whose answer has to be "sat": the
// configurations before and after a joint one can decide without each other. It shows that
// the claims are not true of everything.
func DisjointQuorums() Question {
	return quorumQuestion("disjoint", []quorumClaim{
		{"before_and_after", and(joint(), majority("A", "O"), majority("B", "V"))},
	})
}

// A quorumClaim is that A and B meet if what is assumed of them holds.
type quorumClaim struct{ name, assumed string }

// quorumSets are the sets that a node can be in, each with its bit in the number of a kind.
const quorumSets = "VOAB"

const quorumKinds = 1 << len(quorumSets)

func quorumQuestion(name string, claims []quorumClaim) Question {
	var b strings.Builder
	for kind := range quorumKinds {
		count := kindCount(kind)
		b.WriteString("(declare-const " + count + " Int)\n(assert (<= 0 " + count + "))\n")
	}
	q := Question{Name: name, Logic: "QF_LIA"}
	for _, c := range claims {
		apart := fmt.Sprintf("(= 0 %s)", size("A", "B"))
		b.WriteString("(push 1)\n(assert " + and(c.assumed, apart) + ")\n(check-sat)\n(pop 1)\n")
		q.Checks = append(q.Checks, c.name)
	}
	q.Text = b.String()
	return q
}

// kindCount is the name of how many nodes there are of a kind.
func kindCount(kind int) string { return "k" + strconv.Itoa(kind) }

// size is how many nodes are in all of some sets.
func size(sets ...string) string {
	sum := "(+ 0"
	for kind := range quorumKinds {
		in := true
		for _, set := range sets {
			in = in && kind>>strings.Index(quorumSets, set)&1 == 1
		}
		if in {
			sum += " " + kindCount(kind)
		}
	}
	return sum + ")"
}

func and(all ...string) string { return "(and " + strings.Join(all, " ") + ")" }

// majority says that more than half of the voters are in a set.
func majority(set, voters string) string {
	return fmt.Sprintf("(< %s (* 2 %s))", size(voters), size(set, voters))
}

// decides says that a set is a quorum: a majority of the voters, and of the outgoing ones if
// there are any, which makes a configuration a joint one.
func decides(set string) string {
	return and(majority(set, "V"), fmt.Sprintf("(or (= 0 %s) %s)", size("O"), majority(set, "O")))
}

// joint says that there are outgoing voters.
func joint() string { return fmt.Sprintf("(< 0 %s)", size("O")) }
