//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"

	"github.com/ben-ng/gaggle"
)

// A listState stands for a list that operations appended to: how many, and a sum over which
// and in which order.
type listState struct {
	Length int
	Sum    uint64
}

// with is the list with another element.
func (s listState) with(op int) listState {
	h := fnv.New64a()
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], s.Sum)
	binary.LittleEndian.PutUint64(b[8:], uint64(op))
	_, _ = h.Write(b[:]) // never fails: see package hash
	return listState{s.Length + 1, h.Sum64()}
}

// lists are what a node has made of its entries. It is safe for concurrent use.
type lists struct {
	node *gaggle.Node[value]

	mu   sync.Mutex
	seen gaggle.Index
	// all has each list after each of its elements.
	all map[int][]listMoment
}

// A listMoment is a list as an entry left it.
type listMoment struct {
	index gaggle.Index
	state listState
}

func newLists(n *gaggle.Node[value]) *lists {
	return &lists{node: n, all: map[int][]listMoment{}}
}

// catchUp takes in all that the node has applied.
func (l *lists) catchUp(ctx context.Context) error {
	for e, err := range l.node.Entries(ctx, gaggle.From(l.seen+1), gaggle.Until(l.node.Status().Applied)) {
		if err != nil {
			return err
		}
		if want := padding(e.Value.Op, len(e.Value.Pad)); !bytes.Equal(e.Value.Pad, want) {
			return fmt.Errorf("entry %d: the padding of operation %d is not what was appended", e.Index, e.Value.Op)
		}
		l.seen = e.Index
		moments := l.all[e.Value.List]
		var last listState
		if len(moments) > 0 {
			last = moments[len(moments)-1].state
		}
		l.all[e.Value.List] = append(moments, listMoment{e.Index, last.with(e.Value.Op)})
	}
	return nil
}

// now returns a list with everything that the node has applied.
func (l *lists) now(ctx context.Context, list int) (listState, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.catchUp(ctx); err != nil {
		return listState{}, err
	}
	moments := l.all[list]
	if len(moments) == 0 {
		return listState{}, nil
	}
	return moments[len(moments)-1].state, nil
}

// after returns a list as an entry left it, which the node has applied.
func (l *lists) after(ctx context.Context, list int, index gaggle.Index) (listState, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.catchUp(ctx); err != nil {
		return listState{}, err
	}
	moments := l.all[list]
	i, found := slices.BinarySearchFunc(moments, index, func(m listMoment, i gaggle.Index) int {
		return int(int64(m.index) - int64(i))
	})
	if !found {
		return listState{}, fmt.Errorf("entry %d was acknowledged, and is not among those of list %d that were applied", index, list)
	}
	return moments[i].state, nil
}

// padding is what makes the value of an operation larger.
func padding(op, size int) []byte {
	if size == 0 {
		return nil
	}
	one := binary.LittleEndian.AppendUint64(nil, uint64(op))
	return bytes.Repeat(one, size/len(one)+1)[:size]
}
