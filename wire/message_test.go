package wire

import (
	"fmt"
	"strings"
	"testing"
)

func TestEveryConstantHasANameOfItsOwn(t *testing.T) {
	seen := make(map[string]bool)
	check := func(typ string, known bool, name string) {
		t.Helper()
		if name == "" || known == strings.Contains(name, typ+"(") || seen[typ+name] {
			t.Errorf("%s has a constant called %q", typ, name)
		}
		seen[typ+name] = true
	}
	for s := range HelloState(255) {
		check("HelloState", s < helloStates, s.String())
	}
	for r := range RefusalReason(255) {
		check("RefusalReason", r < refusalReasons, r.String())
	}
	for s := range CallStatus(255) {
		check("CallStatus", s < callStatuses, s.String())
	}
	for s := range SnapshotStatus(255) {
		check("SnapshotStatus", s < snapshotStatuses, s.String())
	}
	for s := range BackupStatus(255) {
		check("BackupStatus", s < backupStatuses, s.String())
	}
	for k := range kind(255) {
		check("kind", layouts[byte(k)] != "", k.String())
	}
}

func TestAClusterIDIsShownInHexadecimal(t *testing.T) {
	if got := fmt.Sprint(ClusterID{0xc0, 15: 1}); got != "c0000000000000000000000000000001" {
		t.Error(got)
	}
}
