package main

import (
	"testing"
	"testing/synctest"
)

func TestIncrementsAreLostByReadingAndWritingAndByNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes, err := join(t.Context(), 3)
		for _, r := range nodes {
			defer r.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		if n, err := count(t.Context(), nodes, 50, add); err != nil || n != 150 {
			t.Errorf("150 increments make %d, %v", n, err)
		}
		if n, err := count(t.Context(), nodes, 50, readThenWrite); err != nil || n >= 150 || n < 50 {
			t.Errorf("150 increments by reading and writing make %d, %v; some must be lost", n, err)
		}
	})
}
