package search

import (
	"math/bits"
	"slices"
)

// If is one of two values.
func If[T any](condition bool, yes, no T) T {
	if condition {
		return yes
	}
	return no
}

// Less orders states by their words.
func Less(a, b []uint64) bool {
	for i, w := range a {
		if w != b[i] {
			return w < b[i]
		}
	}
	return false
}

// SortBlocks sorts blocks of so many words.
func SortBlocks(all []uint64, words int) {
	for i := words; i < len(all); i += words {
		for j := i; j > 0 && Less(all[j-words:j], all[j:j+words]); j -= words {
			for k := range words {
				all[j-words+k], all[j+k] = all[j+k], all[j-words+k]
			}
		}
	}
}

// SameBlock reports whether a block is the same as the one before it.
func SameBlock(all []uint64, words, which int) bool {
	at := which * words
	return which > 0 && slices.Equal(all[at-words:at], all[at:at+words])
}

// hash mixes words to a number that is not 0.
func hash(words []uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, w := range words {
		hi, lo := bits.Mul64(h^w, 0xe7037ed1a0b428db)
		h = hi ^ lo ^ bits.RotateLeft64(w, 29)
	}
	hi, lo := bits.Mul64(h^uint64(len(words)), 0x8ebc6af09c88c6e3)
	return max(hi^lo, 1)
}
