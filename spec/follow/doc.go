// Package follow follows a model of package spec on what really happens: it has a state of the
// model, and takes the steps it is told, each with its arguments. A step whose requirements do
// not hold is refused. Nothing is searched for, and nothing is bounded: logs may have millions of
// entries.
//
// A thing of any sort is a number; the least of an ordered sort is 0. What the model says of an
// index is kept as intervals of indexes, and what an entry says as pieces of arrays that are
// shared, so that a step that speaks of a whole log (a write is a copy of it) costs as much as
// there are pieces, of which there are few. Formulas are turned, once, into operations on these.
// A variable that neither is an index nor is tied to something by a relation stands for the
// things that a step was told of so far; a model may be read so, as its sorts may be any sets.
package follow
