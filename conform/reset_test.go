package conform

import (
	"reflect"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// What a checker keeps of a run is in maps and numbers. Whatever field is added, it has to be
// forgotten: what a quorum was in another cluster, say.
func TestACheckerThatIsResetKeepsNothing(t *testing.T) {
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	c.members["a"] = &member{}
	c.messages[1], c.said[2], c.snapshots[raft.Position{}] = 1, struct{}{}, 1
	c.configurations[3], c.quorums[4] = raft.Configuration{}, 1
	c.lastWrite, c.lastMessage, c.lastRead, c.taken = 1, 1, 1, 1
	c.Reset()
	for field, v := range reflect.ValueOf(c).Elem().Fields() {
		switch v.Kind() {
		case reflect.Map:
			if v.Len() > 0 && field.Name != "actions" {
				t.Errorf("%s has %v", field.Name, v)
			}
		case reflect.Int, reflect.Uint64:
			if !v.IsZero() {
				t.Errorf("%s is %v", field.Name, v)
			}
		default: // what every run has
		}
	}
}
