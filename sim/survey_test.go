package sim

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// TestEveryPropertyHasAClass reads the properties from the source: there is no other list of them.
func TestEveryPropertyHasAClass(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "property.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Property" {
			return true
		}
		name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		count++
		if class := Property(name).Class(); !slices.Contains(Classes(), class) {
			t.Errorf("%s has the class %q", spec.Names[0].Name, class)
		}
		return true
	})
	if count < 25 {
		t.Errorf("only %d properties were found", count)
	}
}

func TestWhereNothingIsViolatedASurveyIsTheSameRun(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		s := Generate(*seed, name)
		report, violation := Run(s, nil)
		if violation != nil {
			t.Fatal(violation)
		}
		again, found := Survey(s, Classes())
		if len(found) > 0 || again.Hash != report.Hash {
			t.Errorf("found %v, hash %x, want %x", found, again.Hash, report.Hash)
		}
	})
}

// surveyed plays a schedule, but does something once, when a node has taken a turn.
func surveyed(classes []Class, do func(w *world)) []*Violation {
	w := newWorld(Generate(1, "calm"), nil)
	w.survey = &survey{classes: classes}
	_ = w.guard(func() {
		w.found()
		do(w)
		w.live()
		w.settle()
		w.users.judge()
	})
	return w.survey.found
}

func TestASurveyGoesOnAfterWhatDoesNotCount(t *testing.T) {
	several := func(w *world) {
		w.violated(Promise, "a")
		w.violated(OneVote, "b")
		w.violated(Honest, "c")
	}
	for _, test := range []struct {
		classes []Class
		do      func(*world)
		want    []Property
	}{
		{Classes(), func(*world) {}, nil},
		{[]Class{Visible}, several, []Property{Honest}},
		{[]Class{Inside}, several, []Property{Promise}},
		{[]Class{Specified}, several, nil},
		{Classes(), several, []Property{Promise, Honest}},
		{[]Class{Visible}, func(w *world) { w.violated(Promise, "a"); w.ends(CoreInvariant, "b"); w.violated(Honest, "c") }, nil},
		{[]Class{Visible}, func(*world) { panic("in the simulator") }, []Property{NoPanic}},
		{[]Class{Visible}, func(w *world) { w.violated(Promise, "a"); panic("in the simulator") }, nil},
		{[]Class{Visible}, func(w *world) { w.violated(Promise, "a"); _ = slices.Repeat([]int{1}, -1) }, []Property{NoPanic}},
	} {
		var got []Property
		for _, v := range surveyed(test.classes, test.do) {
			got = append(got, v.Property)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("of %v, %v was found, want %v", test.classes, got, test.want)
		}
	}
}
