package main

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// readLines reads all lines of a reader, and the error at the end.
func readLines(in string) (got []string, err error) {
	for line, e := range lines(strings.NewReader(in)) {
		if e != nil {
			return got, e
		}
		got = append(got, line)
	}
	return got, nil
}

func TestLinesComeWithoutTheirEnds(t *testing.T) {
	for _, input := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"\n", []string{""}},
		{"x", []string{"x"}},
		{"x\n", []string{"x"}},
		{"x\n\ny", []string{"x", "", "y"}},
		{"x\r\ny\r\n", []string{"x", "y"}},
		{" x \n", []string{" x "}},
	} {
		if got, err := readLines(input.in); err != nil || !slices.Equal(got, input.want) {
			t.Errorf("%q has the lines %q, %v; want %q", input.in, got, err, input.want)
		}
	}
}

func TestALineHasALimit(t *testing.T) {
	longest := strings.Repeat("x", maxLine)
	for _, in := range []string{longest, longest + "\n", "y\n" + longest + "\ny\n"} {
		if got, err := readLines(in); err != nil || !slices.Contains(got, longest) {
			t.Errorf("the longest line is not read: %d lines, %v", len(got), err)
		}
	}
	for _, in := range []string{"y\n\n" + longest + "x", "y\n\n" + longest + "x\ny\n"} {
		got, err := readLines(in)
		if want := "line 3 of the input is longer than 1000000 bytes"; err == nil || err.Error() != want || len(got) != 2 {
			t.Errorf("a longer line gives the error %v after %d lines, want %q", err, len(got), want)
		}
	}
}

func TestAnInputThatFailsIsAnError(t *testing.T) {
	broken := errors.New("broken")
	for _, err := range lines(iotest.ErrReader(broken)) {
		if !errors.Is(err, broken) {
			t.Errorf("the error is %v", err)
		}
		return
	}
	t.Error("it passes for an empty one")
}

func TestTheLongestLineIsCommittedAndALongerOneIsRefused(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("\x00", maxLine)
	o := runDemo(t, longest, "--nodes", "1", "--json")
	checkDemo(t, o.events(t), 1, false, []string{longest})

	o = runDemo(t, "y\n"+longest+"x\n")
	if want := "gaggle: line 2 of the input is longer than 1000000 bytes\n"; o.code != 1 || o.errs != want || o.out != "" {
		t.Errorf("exit code %d, %q, want 1 and %q", o.code, o.errs, want)
	}
}

func TestBytesThatAreNoTextStayAsTheyAre(t *testing.T) {
	const line = "caf\xe9 \xff\x00"
	o := runDemo(t, line, "--nodes", "1")
	if o.code != 0 || !strings.Contains(o.out, "  "+line+"\n") {
		t.Errorf("exit code %d: %q does not show %q", o.code, o.out, line)
	}
}
