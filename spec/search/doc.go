// Package search explores the states that a model can reach: breadth first, with two states
// that are the same but for names counted as one, or along random walks. Package finite makes
// the programs that use it.
//
// Of each state only a hash of 64 bits is kept. Two states with one hash would count as one, and
// what only the second leads to would not be seen: of a thousand million states that is to be
// expected for one in thirty such searches, of ten million for one in four hundred thousand.
package search
