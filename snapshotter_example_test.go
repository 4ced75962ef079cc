package gaggle_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"strconv"
	"strings"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

// A Ledger only grows, and is too large to be encoded while commands wait.
type Ledger struct{ lines []string }

// Apply adds a line, and returns how many there are.
func (l *Ledger) Apply(line string) int {
	l.lines = append(l.lines, line)
	return len(l.lines)
}

// Snapshot captures the lines that there are, without a copy: no command changes these. A state
// that commands change in place would copy what they change.
func (l *Ledger) Snapshot() (func(io.Writer) error, error) {
	lines := l.lines
	return func(w io.Writer) error {
		buffered := bufio.NewWriter(w)
		for _, line := range lines {
			_, _ = fmt.Fprintf(buffered, "%q\n", line) // Flush has its error
		}
		return buffered.Flush()
	}, nil
}

// Restore reads them, line by line.
func (l *Ledger) Restore(r io.Reader) error {
	l.lines = nil
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 5*gaggle.MaxValue) // a byte is four at most when it is quoted
	for scanner.Scan() {
		line, err := strconv.Unquote(scanner.Text())
		if err != nil {
			return err
		}
		l.lines = append(l.lines, line)
	}
	return scanner.Err()
}

// A large state writes its own snapshots: it captures what there is while no command is applied,
// and writes it while others are.
func ExampleSnapshotter() {
	ctx := context.Background()
	ledger, err := gaggle.Replicate(ctx, memory.New(), &Ledger{}, (*Ledger).Apply, gaggle.Size(1), gaggle.Local())
	if err != nil {
		log.Fatal(err)
	}
	defer ledger.Close()
	for _, line := range []string{"2 eggs", "1 goose"} {
		if _, err := ledger.Do(ctx, line); err != nil {
			log.Fatal(err)
		}
	}

	// This is what a node does when its log has grown by 64 MiB, or by as much as the last
	// snapshot is large.
	var write func(io.Writer) error
	ledger.Peek(func(l *Ledger) { write, err = l.Snapshot() })
	if err != nil {
		log.Fatal(err)
	}
	if _, err := ledger.Do(ctx, "meanwhile"); err != nil {
		log.Fatal(err)
	}
	var snapshot strings.Builder
	if err := write(&snapshot); err != nil {
		log.Fatal(err)
	}
	fmt.Print(snapshot.String())

	// And this, when it is started again.
	restored := &Ledger{}
	if err := restored.Restore(strings.NewReader(snapshot.String())); err != nil {
		log.Fatal(err)
	}
	fmt.Println(restored.Apply("a third line"))
	// Output:
	// "2 eggs"
	// "1 goose"
	// 3
}
