package gaggle_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// blocks returns the code blocks of README.md in a language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(readme), -1) {
		found = append(found, m[1])
	}
	return found
}

func TestTheProgramInTheReadmeIsTheExampleAndPrintsWhatTheReadmeSays(t *testing.T) {
	code := blocks(t, "go")
	if len(code) != 1 {
		t.Fatalf("README.md has %d Go blocks, want the one program", len(code))
	}
	source, err := os.ReadFile("examples/lamb/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if _, program, _ := strings.Cut(string(source), "package main"); "package main"+program != code[0] {
		t.Error("the program in README.md is not that of examples/lamb/main.go")
	}
	var stderr strings.Builder
	run := exec.Command("go", "run", "./examples/lamb")
	run.Stderr = &stderr
	printed, err := run.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if want := blocks(t, "text")[0]; string(printed) != want {
		t.Errorf("it prints\n%s\nREADME.md says\n%s", printed, want)
	}
}

func TestTheReadmesCommandsAreThoseThatRunBeforeAChangeLands(t *testing.T) {
	ci, err := os.ReadFile(".ci/run")
	if err != nil {
		t.Fatal(err)
	}
	commands := strings.Fields(strings.ReplaceAll(strings.TrimSpace(blocks(t, "sh")[0]), " ", "·"))
	if len(commands) < 2 {
		t.Fatalf("README.md begins with %d commands, want two", len(commands))
	}
	for _, c := range commands[:2] {
		command, _, _ := strings.Cut(strings.ReplaceAll(c, "·", " "), "#")
		command = strings.TrimSpace(command)
		if !strings.Contains(string(ci), command) {
			t.Errorf(".ci/run does not run %q", command)
		}
	}
}
