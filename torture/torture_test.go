//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// beProgram, in the environment, makes the test binary the program.
const beProgram = "GAGGLE_TORTURE_TEST_IS_THE_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(beProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// execute runs the program, and returns what it wrote and its exit code.
func execute(t *testing.T, args ...string) (output string, code int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...) //nolint:gosec // the test itself
	// The race detector would have every process wait a second before it ends.
	cmd.Env = append(os.Environ(), beProgram+"=yes", "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

func TestFiveProcessesAreTorturedForAMoment(t *testing.T) {
	t.Parallel()
	// Full disks take more to be noticed than there is time for here.
	dir := t.TempDir()
	out, code := execute(t, "-for", "3s", "-dir", dir, "-clients", "5", "-faults", "kill,pause,cut,cut-one,hold,delay")
	if code != exitGood || !strings.Contains(out, "verdict     good") {
		t.Errorf("it ends with %d and says:\n%s", code, out)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v behind, %v", left, err)
	}
}

func TestWhatTheCommandLineSaysHasToMakeSense(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-faults", "kill,flood"}, {"-clients", "0"}, {"-for", "long"}, {"-dir", "/dev/null/nothing"}} {
		if out, code := execute(t, args...); code != exitError {
			t.Errorf("%v: it ends with %d and says:\n%s", args, code, out)
		}
	}
}
