package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
)

// maxLine is the longest line of input, in bytes. With the number that the demo adds, it
// fits into a value.
const maxLine = 1_000_000

// lines yields the lines of a reader without their ends, and at last an error if there
// was one.
func lines(r io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		s := bufio.NewScanner(r)
		s.Buffer(make([]byte, 64<<10), maxLine+1)
		number := 1
		for ; s.Scan(); number++ {
			if !yield(s.Text(), nil) {
				return
			}
		}
		err := s.Err()
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("line %d of the input is longer than %d bytes", number, maxLine)
		}
		if err != nil {
			yield("", err)
		}
	}
}

// isTerminal reports whether a person would have to type the input.
func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
