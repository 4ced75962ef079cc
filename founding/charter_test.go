package founding

import (
	"fmt"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

func TestAClusterIdStandsForItsNameAndVoters(t *testing.T) {
	seen := map[wire.ClusterID]string{}
	for _, c := range []struct {
		name   string
		voters []raft.NodeID
	}{
		{"test", []raft.NodeID{"a", "b"}},
		{"test", []raft.NodeID{"a", "c"}},
		{"test", []raft.NodeID{"a"}},
		{"test", []raft.NodeID{"ab"}},
		{"test", []raft.NodeID{"a", "bc"}},
		{"test", []raft.NodeID{"ab", "c"}},
		{"test2", []raft.NodeID{"a", "b"}},
		{"testa", []raft.NodeID{"b"}},
		{"", []raft.NodeID{"testa", "b"}},
	} {
		what := fmt.Sprintf("%q of %q", c.name, c.voters)
		id := NewCharter(c.name, c.voters).Cluster
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s have one id", what, other)
		}
		seen[id] = what
	}
}

func TestTheOrderOfVotersDoesNotMatter(t *testing.T) {
	given := []raft.NodeID{"c", "a", "b"}
	c := NewCharter("test", given)
	if want := NewCharter("test", []raft.NodeID{"a", "b", "c"}); c.Cluster != want.Cluster || letters(c.Voters) != "abc" {
		t.Errorf("%v is not %v", c, want)
	}
	if letters(given) != "cab" {
		t.Errorf("the list that was given is now %v", given)
	}
}

// Nodes of different versions have to find the same ids and tags.
func TestIdsAndTagsAreThoseOfOtherVersions(t *testing.T) {
	if got, want := NewCharter("test", []raft.NodeID{"a", "b", "c"}).Cluster.String(), "427f1b9110dd101b8d3a3087f036fbac"; got != want {
		t.Errorf("the cluster's id is %s, want %s", got, want)
	}
	if got, want := proposerTag("a"), uint64(0x2b22048fd3dcc122); got != want {
		t.Errorf("the proposer's tag is %#x, want %#x", got, want)
	}
}
