package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestAFindingIsReadAsItWasWritten(t *testing.T) {
	inOneGoroutine(t)
	for _, p := range Profiles() {
		s := Generate(5, p.Name)
		s.Noise = []byte{0, 1, 255}
		f := &Finding{s, &Violation{Property: Choosable, Detail: "\"a\" <lost>", At: time.Second, Step: 7}}
		var file bytes.Buffer
		if err := f.Write(&file); err != nil {
			t.Fatal(err)
		}
		got, err := ReadFinding(&file)
		if err != nil || !reflect.DeepEqual(got, f) {
			t.Errorf("%s: %v, it is %+v, was %+v", p.Name, err, got, f)
			continue
		}
		a, _ := Run(s, nil)
		b, _ := Run(got.Schedule, nil)
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: from a file it is another run: %+v, %+v", p.Name, a, b)
		}
	}
}

func TestAllThatIsGeneratedIsValid(t *testing.T) {
	for seed := range uint64(200) {
		for _, p := range Profiles() {
			if err := Generate(seed, p.Name).Validate(); err != nil {
				t.Fatalf("seed %d, %s: %v", seed, p.Name, err)
			}
		}
	}
}

// small is a finding whose file edits can change.
func small(edit func(*Schedule)) *Finding {
	s := Generate(1, "calm")
	s.Ops = s.Ops[:2]
	edit(s)
	return &Finding{s, &Violation{Property: Liveness}}
}

func TestAScheduleThatNoRunCanPlayIsRefused(t *testing.T) {
	for reason, edit := range map[string]func(*Schedule){
		"layer 2":                   func(s *Schedule) { s.Setup.Layer = 2 },
		"0 nodes":                   func(s *Schedule) { s.Setup.Nodes = 0 },
		"17 nodes":                  func(s *Schedule) { s.Setup.Nodes = 17 },
		"-1 spares":                 func(s *Schedule) { s.Setup.Spares = -1 },
		"12 spares beside 5 nodes":  func(s *Schedule) { s.Setup.Spares = 12 },
		"5 spares beside 5 engines": func(s *Schedule) { s.Setup.Layer, s.Setup.Spares = Engines, 5 },
		"a tick of 0s":              func(s *Schedule) { s.Setup.Tick = 0 },
		"a tick of 1h0m0s":          func(s *Schedule) { s.Setup.Tick = time.Hour },
		"heartbeat of 0":            func(s *Schedule) { s.Setup.Heartbeat = 0 },
		"after 4 to":                func(s *Schedule) { s.Setup.ElectionMin = 4 },
		"30 to 30 ticks":            func(s *Schedule) { s.Setup.ElectionMax = s.Setup.ElectionMin },
		"to 1001 ticks":             func(s *Schedule) { s.Setup.ElectionMax = 1001 },
		"delays of 0s":              func(s *Schedule) { s.Setup.Delay = 0 },
		"delays of 500µs and -1ns":  func(s *Schedule) { s.Setup.WriteDelay = -1 },
		"300 of 256 frames":         func(s *Schedule) { s.Setup.Faults = Faults{Lost: 150, Late: 150} },
		"2001 ops":                  func(s *Schedule) { s.Ops = make([]Op, maxOps+1) },
		"1048577 bytes of noise":    func(s *Schedule) { s.Noise = make([]byte, maxNoise+1) },
		"op 1: it comes -1ns":       func(s *Schedule) { s.Ops[1].After = -1 },
		"op 0: it comes 25h0m0s":    func(s *Schedule) { s.Ops[0].After = 25 * time.Hour },
		"more than 24h0m0s":         func(s *Schedule) { s.Ops[0].After, s.Ops[1].After = 20*time.Hour, 20*time.Hour },
		"1080000 ticks of all":      func(s *Schedule) { s.Ops[0].After, s.Ops[1].After = 0, 6*time.Hour },
		"op 0: amount 4000000000":   func(s *Schedule) { s.Ops[0] = Op{Kind: SlowLink, Amount: 4e9} },
		"op 1: sim: 510 of 256":     func(s *Schedule) { s.Ops[1] = Op{Kind: Noisy, Amount: 0xffff} },
	} {
		f := small(edit)
		var file bytes.Buffer
		if err := f.Write(&file); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFinding(&file); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("the error is %v, want one with %q", err, reason)
		}
	}
}

func TestWhatIsNoFindingIsRefused(t *testing.T) {
	var file bytes.Buffer
	if err := small(func(*Schedule) {}).Write(&file); err != nil {
		t.Fatal(err)
	}
	good := file.String()
	for name, c := range map[string]struct{ text, reason string }{
		"nothing":        {"", "not a finding"},
		"garbage":        {"\x00\xff garbage", "not a finding"},
		"a list":         {"[]", "not a finding"},
		"null":           {"null", `no "version"`},
		"half":           {good[:len(good)/2], "not a finding"},
		"more":           {good + "{}", "not a finding"},
		"no version":     {"{}", `no "version"`},
		"a later one":    {strings.Replace(good, `"version": 2`, `"version": 3`, 1), "version 3, and only 2"},
		"no schedule":    {`{"version":2,"violation":{}}`, `"schedule" or "violation"`},
		"no violation":   {`{"version":2,"schedule":{}}`, `"schedule" or "violation"`},
		"misspelt":       {strings.Replace(good, `"nodes"`, `"noodles"`, 1), `unknown field "noodles"`},
		"no such kind":   {strings.Replace(good, `"kind": "propose"`, `"kind": "explode"`, 1), `"explode" is not a kind`},
		"no such number": {strings.Replace(good, `"nodes": 5`, `"nodes": 5e99`, 1), "not a finding"},
		"endless":        {strings.Repeat(" ", maxFile+1), "longer than"},
		"deep":           {strings.Repeat("[", 1<<20), "not a finding"},
	} {
		_, err := ReadFinding(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: the error is %v, want one with %q", name, err, c.reason)
		}
	}
	broken := errors.New("broken")
	if _, err := ReadFinding(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("a file that cannot be read gives %v", err)
	}
}

// FuzzFindings reads whatever there is, and plays what passes for a finding.
func FuzzFindings(f *testing.F) {
	for _, profile := range []string{"calm", "churn", "engines"} {
		s := Generate(1, profile)
		s.Ops = s.Ops[:min(len(s.Ops), 8)]
		var file bytes.Buffer
		if err := (&Finding{s, &Violation{}}).Write(&file); err != nil {
			f.Fatal(err)
		}
		f.Add(file.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		finding, err := ReadFinding(bytes.NewReader(data))
		if err != nil || len(finding.Schedule.Ops) > 20 {
			return
		}
		began := time.Now()
		if _, v := Run(finding.Schedule, io.Discard); v != nil && v.Property == NoPanic {
			t.Errorf("%v", v)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("it takes %v", took)
		}
	})
}

func TestAViolationIsJSONThatOthersRead(t *testing.T) {
	data, err := json.Marshal(&Violation{Property: OneVote, Detail: "x", At: time.Millisecond, Step: 3})
	if want := `{"property":"one vote a term","detail":"x","at":1000000,"step":3}`; err != nil || string(data) != want {
		t.Errorf("it is %s, %v", data, err)
	}
}

func TestThePictureShowsTheHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.html")
	if err := Picture(Generate(1, "engines"), path); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(path) //nolint:gosec // the test's own
	if err != nil || !bytes.Contains(page, []byte("<html")) || !bytes.Contains(page, []byte("read ")) {
		t.Errorf("%v, the page begins %.200q", err, page)
	}
	if err := Picture(Generate(1, "churn"), path); !errors.Is(err, ErrNoHistory) {
		t.Errorf("without a history: %v", err)
	}
	if err := Picture(Generate(1, "engines"), filepath.Join(t.TempDir(), "no", "where.html")); err == nil {
		t.Error("a picture that cannot be written is no error")
	}
}
