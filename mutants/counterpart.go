package main

import (
	"fmt"
	"strings"
)

// A counterpart is the same mistake in the specification: a file of directory spec with something
// left out or written otherwise. It is written in the header of a patch, alterations one after the
// other, separated by semicolons:
//
//	Specification: raft without grant_vote.up_to_date
//	Specification: raft in append_new: I <= m_last(m) reads has(n, I); without append_new.prev
//
// An action, definition or axiom is named after "in", and what is replaced there has to be in it once.
type counterpart struct {
	model       string
	alterations []alteration
}

// An alteration leaves out a requirement of an action, or writes something otherwise, in an action,
// a definition or an axiom.
type alteration struct {
	where, requirement string
	old, new           string
}

// parseCounterpart reads what follows "Specification:".
func parseCounterpart(text string) (*counterpart, error) {
	model, rest, ok := strings.Cut(text, " ")
	if !ok {
		return nil, fmt.Errorf("the counterpart %q says of a model nothing", text)
	}
	c := &counterpart{model: model}
	for part := range strings.SplitSeq(rest, ";") {
		a, err := parseAlteration(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		c.alterations = append(c.alterations, a)
	}
	return c, nil
}

func parseAlteration(text string) (alteration, error) {
	if name, ok := strings.CutPrefix(text, "without "); ok {
		action, requirement, ok := strings.Cut(name, ".")
		if !ok {
			return alteration{}, fmt.Errorf("%q is not ACTION.REQUIREMENT", name)
		}
		return alteration{where: action, requirement: requirement}, nil
	}
	where, change, named := strings.Cut(strings.TrimPrefix(text, "in "), ": ")
	before, after, said := strings.Cut(change, " reads ")
	if !strings.HasPrefix(text, "in ") || !named || !said {
		return alteration{}, fmt.Errorf("%q is neither without ACTION.REQUIREMENT nor in NAME: OLD reads NEW", text)
	}
	return alteration{where: where, old: before, new: after}, nil
}

// apply returns the text of a model with the mistake in it.
func (c *counterpart) apply(text string) (string, error) {
	for _, a := range c.alterations {
		first, last, err := block(text, a.where)
		if err != nil {
			return "", err
		}
		changed, err := a.apply(text[first:last])
		if err != nil {
			return "", err
		}
		text = text[:first] + changed + text[last:]
	}
	return text, nil
}

// block is where an action, a definition or an axiom is: up to the next empty line.
func block(text, name string) (first, last int, err error) {
	for _, begins := range []string{"action " + name + "(", "define " + name + "(", "axiom " + name + ":"} {
		if at := strings.Index(text, "\n"+begins); at >= 0 {
			first = at + 1
			last = len(text)
			if n := strings.Index(text[first:], "\n\n"); n >= 0 {
				last = first + n
			}
			return first, last, nil
		}
	}
	return 0, 0, fmt.Errorf("the model has no action, definition or axiom %s", name)
}

func (a *alteration) apply(text string) (string, error) {
	if a.requirement == "" {
		if n := strings.Count(text, a.old); n != 1 {
			return "", fmt.Errorf("%q is in %s %d times", a.old, a.where, n)
		}
		return strings.Replace(text, a.old, a.new, 1), nil
	}
	var kept []string
	within, found := false, false
	for line := range strings.SplitSeq(text, "\n") {
		// What goes on in another line is indented further.
		if begins := !strings.HasPrefix(line, "     "); begins {
			within = strings.HasPrefix(line, "    require "+a.requirement+":")
			found = found || within
		}
		if !within {
			kept = append(kept, line)
		}
	}
	if !found {
		return "", fmt.Errorf("%s requires no %s", a.where, a.requirement)
	}
	return strings.Join(kept, "\n"), nil
}

// actions says of which actions of the model a proof has to be tried again: those that are
// altered, or all if anything else is.
func (c *counterpart) actions(text string) string {
	var names []string
	for _, a := range c.alterations {
		if !strings.Contains(text, "\naction "+a.where+"(") {
			return "."
		}
		names = append(names, a.where)
	}
	return "^(" + strings.Join(names, "|") + ")$"
}
