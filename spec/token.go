package spec

import (
	"fmt"
	"strings"
	"unicode"
)

// A token is a word or a sign of the source; the last is empty.
type token struct {
	text string
	line Place
}

// signs are the tokens that are not words, longer ones before their beginnings.
var signs = [...]string{"<->", "->", ":=", "!=", "<=", "<", "=", "(", ")", "{", "}", ",", ":", "."}

// A Place is a line of a file.
type Place struct {
	File string
	Line int
}

func (p Place) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// tokens cuts a source into tokens. A comment goes from // to the end of its line.
func tokens(file, source string) ([]token, error) {
	var all []token
	line := Place{file, 1}
	for len(source) > 0 {
		switch {
		case source[0] == '\n':
			line.Line++
			source = source[1:]
		case source[0] == ' ' || source[0] == '\t':
			source = source[1:]
		case strings.HasPrefix(source, "//"):
			end := strings.IndexByte(source+"\n", '\n')
			source = source[min(end, len(source)):]
		default:
			n := tokenLength(source)
			if n == 0 {
				return nil, fmt.Errorf("%v: what is %q?", line, source[:1])
			}
			all = append(all, token{source[:n], line})
			source = source[n:]
		}
	}
	return append(all, token{"", line}), nil
}

// tokenLength is the length of the token that a text begins with, 0 if it is none.
func tokenLength(text string) int {
	if n := strings.IndexFunc(text, func(r rune) bool { return !inWord(r) }); n != 0 {
		if n < 0 {
			return len(text)
		}
		return n
	}
	for _, sign := range signs {
		if strings.HasPrefix(text, sign) {
			return len(sign)
		}
	}
	return 0
}

func inWord(r rune) bool {
	return r == '_' || r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// isWord reports whether a token is a name or a keyword.
func (t token) isWord() bool { return t.text != "" && inWord(rune(t.text[0])) }

// isAny reports whether a name is that of a variable which need not be declared: it
// begins with a capital letter.
func isAny(name string) bool { return name != "" && name[0] >= 'A' && name[0] <= 'Z' }
