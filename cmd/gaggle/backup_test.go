//go:build unix

package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/backup"
)

// backedUp is a backup of a node that has appended some values.
func backedUp(t *testing.T, count int) string {
	t.Helper()
	url := meetingPlace(t)
	n := nodeOf(t, url, "alice", 1, "--dir", filepath.Join(t.TempDir(), "alice"))
	var values []string
	for i := range count {
		values = append(values, "alice:"+string(rune('0'+i)))
	}
	n.say(values...)
	n.awaitCommitted(values...)
	file := filepath.Join(t.TempDir(), "backup")
	o := runCommand(t.Context(), strings.NewReader(""), "backup", url, file, "--name", t.Name())
	if o.code != 0 || !strings.Contains(o.out, file+": ") || !strings.Contains(o.out, "cluster \""+t.Name()+"\"") {
		t.Fatalf("%+v", o)
	}
	return file
}

func TestABackupOfProcessesUnderLoadBecomesANewCluster(t *testing.T) {
	t.Parallel()
	url, dir := meetingPlace(t), t.TempDir()
	var nodes []*child
	for _, id := range []string{"n1", "n2", "n3"} {
		nodes = append(nodes, nodeOf(t, url, id, 3, "--dir", filepath.Join(dir, id)))
	}
	f := feedAll(t, nodes)
	f.awaitMore(nodes[0], 100, nodes...)
	_, before := nodes[0].out.all()
	file := filepath.Join(dir, "backup")
	o := runCommand(t.Context(), strings.NewReader(""), "backup", url, file, "--name", t.Name(), "--json")
	var found backupFound
	if err := json.Unmarshal([]byte(o.out), &found); o.code != 0 || err != nil || found.Last < 300 || found.First != 1 || len(found.Members) != 3 {
		t.Fatalf("%v, %+v", err, o)
	}
	if verified := runCommand(t.Context(), strings.NewReader(""), "backup", "--verify", file, "--json"); verified.code != 0 || verified.out != o.out {
		t.Fatalf("verified, it is %+v, not %s", verified, o.out)
	}
	f.check()
	for _, c := range nodes {
		_ = c.in.Close()
	}
	log := nodes[0].log()

	again := meetingPlace(t)
	members := []string{"m1", "m2", "m3", "m4", "m5"}
	var restored []*child
	for _, id := range members[:3] { // a majority is enough
		to := filepath.Join(dir, id)
		o := runCommand(t.Context(), strings.NewReader(""), "restore", file, to, "--id", id, "--members", strings.Join(members, ","))
		if o.code != 0 || !strings.Contains(o.out, "node "+id+"#") {
			t.Fatalf("%+v", o)
		}
		restored = append(restored, nodeOf(t, again, id, len(members), "--dir", to))
	}
	restored[0].say("m1:1")
	for _, c := range restored {
		c.awaitCommitted("m1:1")
		got := c.log()
		if len(got) < len(before) {
			t.Fatalf("%s has %d entries, of %d that were committed before the backup", c.name, len(got), len(before))
		}
		// What the backup has is there as it was: at the same indexes, in the same terms.
		for i, p := range got[:len(got)-1] {
			if p != log[i] {
				t.Fatalf("%s has %v, and it was %v", c.name, p, log[i])
			}
		}
	}
}

func TestAFileThatIsNoWholeBackupIsRefusedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	file := backedUp(t, 3)
	b, err := os.ReadFile(file) //nolint:gosec // of the test's own
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func() []byte{
		"half of one": func() []byte { return b[:len(b)/2] },
		"rotten":      func() []byte { c := []byte(string(b)); c[len(c)/2] ^= 1; return c },
		"a letter":    func() []byte { return []byte("dear Ben") },
		"nothing":     func() []byte { return nil },
	} {
		bad := filepath.Join(t.TempDir(), "bad")
		if err := os.WriteFile(bad, change(), 0o600); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(t.TempDir(), "to")
		for _, args := range [][]string{{"backup", "--verify", bad}, {"restore", bad, to, "--id", "a", "--members", "a"}} {
			o := runCommand(t.Context(), strings.NewReader(""), args...)
			if o.code != 1 || o.out != "" || !strings.Contains(o.errs, "backup: ") || strings.Count(o.errs, "\n") != 1 {
				t.Errorf("%s, %s: %+v", name, args[0], o)
			}
		}
		if left, err := filepath.Glob(filepath.Join(to, "log-*")); err != nil || len(left) > 0 {
			t.Errorf("%s: it leaves %q, %v", name, left, err)
		}
	}
}

func TestABackupOfNobodyIsNone(t *testing.T) {
	t.Parallel()
	file := backedUp(t, 1)
	before, err := os.ReadFile(file) //nolint:gosec // of the test's own
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // an interrupt, as soon as it can be
	o := runCommand(ctx, strings.NewReader(""), "backup", meetingPlace(t), file)
	if o.code == 0 || o.out != "" {
		t.Errorf("%+v", o)
	}
	after, err := os.ReadFile(file) //nolint:gosec // of the test's own
	if err != nil || string(after) != string(before) {
		t.Errorf("the file that was there is another: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*.tmp")); err != nil || len(left) > 0 {
		t.Errorf("it leaves %q, %v", left, err)
	}
}

func TestABackupIsBegunAnewOnlyAfterAMemberHasAnswered(t *testing.T) {
	for _, c := range []struct {
		err     error
		written string
		want    bool
	}{
		{backup.ErrUnanswered, "half", true},
		{backup.ErrGone, "half", true},
		{backup.ErrUnanswered, "", false},
		{os.ErrPermission, "half", false},
		{nil, "all", false},
	} {
		f, err := os.CreateTemp(t.TempDir(), "")
		if err == nil {
			_, err = f.WriteString(c.written)
		}
		if err != nil {
			t.Fatal(err)
		}
		got := begunAnew(c.err, f)
		info, err := f.Stat()
		if err != nil || got != c.want || (info.Size() == 0) != (c.want || c.written == "") {
			t.Errorf("%+v: %t, and %d bytes are left, %v", c, got, info.Size(), err)
		}
		_ = f.Close()
	}
}
