// Command explore makes a program that explores a model of directory spec within a scope, and
// runs it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/ben-ng/gaggle/spec"
	"github.com/ben-ng/gaggle/spec/finite"
)

func main() {
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "explore:", err)
		code = 2
	}
	os.Exit(code)
}

// scopeOf is what -scope says beside the model's name.
type scopeOf struct {
	voters, learners, terms, indexes, writes, messages, values, reads int
	members                                                           string
	direct                                                            bool
}

func (o scopeOf) scope() finite.Scope {
	inQuorum, quorums := finite.Majorities(o.voters)
	return finite.Scope{
		Sizes: map[string]int{
			"node": o.voters + o.learners, "quorum": quorums, "term": o.terms, "index": o.indexes, "write": o.writes,
			"message": o.messages, "value": o.values, "read": o.reads,
		},
		Fixed: map[string]func([]int) int{"in_quorum": inQuorum},
	}
}

// membership is the scope of the model of that name.
func (o scopeOf) membership() (finite.Scope, error) {
	var voters []int
	for _, letters := range strings.Split(o.members, ",") {
		set := 0
		for _, letter := range letters {
			node := int(letter - 'a')
			if node < 0 || node >= o.voters+o.learners {
				return finite.Scope{}, fmt.Errorf("there is no node %c", letter)
			}
			set |= 1 << node
		}
		voters = append(voters, set)
	}
	c := finite.Changes{Voters: voters, Direct: o.direct}
	s := c.Scope()
	s.Sizes["node"], s.Sizes["term"], s.Sizes["index"] = o.voters+o.learners, o.terms, o.indexes
	return s, nil
}

func run() (int, error) {
	o := scopeOf{}
	flag.IntVar(&o.voters, "voters", 3, "how many nodes there are, of which a majority decides")
	flag.IntVar(&o.learners, "learners", 0, "how many other nodes there are")
	flag.IntVar(&o.terms, "terms", 3, "how many terms, the first included, in which nothing happens")
	flag.IntVar(&o.indexes, "indexes", 2, "how many indexes, the first included, at which no entry is")
	flag.IntVar(&o.writes, "writes", 5, "how many writes to disks, the empty one included")
	flag.IntVar(&o.messages, "messages", 2, "how many messages that carry entries, or heartbeats")
	flag.IntVar(&o.values, "values", 1, "how many values an entry may have")
	flag.IntVar(&o.reads, "reads", 0, "how many reads there are")
	model := flag.String("model", "raft", "which model: raft or membership")
	flag.StringVar(&o.members, "members", "ab,abc", "of membership: the configurations, each by the letters of its voters; the founding one is first")
	flag.BoolVar(&o.direct, "direct", false, "of membership: from one to another that differs in one node, by no joint configuration; these are changes that package raft does not make")
	without := flag.String("without", "", "a requirement to leave out, ACTION.NAME")
	to := flag.String("build", "", "build the program there, and do not run it")
	flag.Usage = func() {
		_, _ = fmt.Fprintln(flag.CommandLine.Output(), "explore [flags] [-- flags of the search, -help for these]")
		flag.PrintDefaults()
	}
	flag.Parse()
	m, err := spec.Load(*model)
	if err != nil {
		return 0, err
	}
	if *without != "" {
		action, name, _ := strings.Cut(*without, ".")
		m = m.Without(action, name)
	}
	scope := o.scope()
	if *model == "membership" {
		if scope, err = o.membership(); err != nil {
			return 0, err
		}
	}
	source, err := finite.Source(m, scope)
	if err != nil {
		return 0, err
	}
	if *to != "" {
		return 0, build(source, *to)
	}
	return explore(source, flag.Args())
}

// build builds a program. Its source is needed no more then.
func build(source []byte, to string) (err error) {
	dir, err := os.MkdirTemp("", "explore")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	text := filepath.Join(dir, "main.go")
	if err := os.WriteFile(text, source, 0o600); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-o", to, text) //nolint:gosec // what was just made
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	return build.Run()
}

// explore builds a program and runs it. It returns its exit code.
func explore(source []byte, args []string) (code int, err error) {
	dir, err := os.MkdirTemp("", "explore")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program := filepath.Join(dir, "explore")
	if err := build(source, program); err != nil {
		return 0, err
	}
	search := exec.Command(program, args...) //nolint:gosec // what was just made
	search.Stdout, search.Stderr = os.Stdout, os.Stderr
	var ended *exec.ExitError
	if err := search.Run(); errors.As(err, &ended) {
		return ended.ExitCode(), nil
	} else if err != nil {
		return 0, err
	}
	return 0, nil
}
