package gaggle_test

import (
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// commands are what the indented blocks of README.md that are no Go begin with.
var commands = []string{"go install ", "$ ", "gaggle "}

// indented returns the indented blocks of Go in README.md.
func indented(t *testing.T) []string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, block := range regexp.MustCompile(`(?m)(^    .*\n)+`).FindAllString(string(readme), -1) {
		code := regexp.MustCompile(`(?m)^    `).ReplaceAllString(block, "")
		if !slices.ContainsFunc(commands, func(c string) bool { return strings.HasPrefix(code, c) }) {
			found = append(found, code)
		}
	}
	return found
}

// inDoc returns the code blocks of a package's documentation, all of which are Go.
func inDoc(t *testing.T, name string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, block := range new(comment.Parser).Parse(file.Doc.Text()).Content {
		if code, ok := block.(*comment.Code); ok {
			found = append(found, code.Text)
		}
	}
	return found
}

// surroundings are what snippets take for granted.
const surroundings = `package snippets

import (
	"context"
	"os"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/tcp"
)

var _ = tcp.New

type Order struct {
	Thing string
	Count int
}

type Stock struct{}

func (*Stock) Apply(Order) int { return 0 }

type machine struct{}

func (machine) apply(string) {}
`

// function makes a function of a snippet: what it declares counts as used, and a "…" is
// nothing.
func function(t *testing.T, number int, snippet string) string {
	t.Helper()
	source := fmt.Sprintf("package snippets\nfunc snippet%d(ctx context.Context, n *gaggle.Node[string], state machine, seen gaggle.Index, file *os.File,\n"+
		"reserve func(context.Context, *gaggle.Leader[string], int) (int, error)) error {\n{\n%s\n}\nreturn nil\n}\n",
		number, strings.ReplaceAll(snippet, "…", ""))
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "snippet.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatalf("%v in\n%s", err, snippet)
	}
	f := file.Decls[0].(*ast.FuncDecl)
	ast.Inspect(f, func(node ast.Node) bool {
		switch s := node.(type) {
		case *ast.RangeStmt:
			s.Body.List = append(used(s.Key, s.Value), s.Body.List...)
		case *ast.BlockStmt:
			for _, stmt := range slices.Clone(s.List) {
				if a, ok := stmt.(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
					s.List = append(s.List, used(a.Lhs...)...)
				}
			}
		}
		return true
	})
	var b strings.Builder
	if err := format.Node(&b, files, f); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// used are statements that use variables.
func used(variables ...ast.Expr) []ast.Stmt {
	var all []ast.Stmt
	for _, v := range variables {
		if name, ok := v.(*ast.Ident); ok && name.Name != "_" {
			all = append(all, &ast.AssignStmt{Lhs: []ast.Expr{ast.NewIdent("_")}, Tok: token.ASSIGN, Rhs: []ast.Expr{ast.NewIdent(name.Name)}})
		}
	}
	return all
}

func TestTheSnippetsInTheReadmeAndInTheGuideCompile(t *testing.T) {
	readme, guide := indented(t), inDoc(t, "doc.go")
	if len(readme) != 2 || len(guide) != 6 {
		t.Errorf("README.md has %d indented snippets, doc.go %d: say here if there are others, and what they need in surroundings", len(readme), len(guide))
	}
	source := surroundings
	for i, snippet := range append(readme, guide...) {
		source += "\n" + function(t, i, snippet) + "\n"
	}
	// Within the module, so that it is this Gaggle; hidden, so that it is no part of it.
	dir, err := os.MkdirTemp(".", ".snippets-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.WriteFile(filepath.Join(dir, "snippets.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	vet := exec.Command("go", "vet", ".")
	vet.Dir = dir
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s%s", err, out, source)
	}
}
