// Package oneline sanitizes text from the network for errors and logs.
package oneline

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns text as one line of printable characters. It replaces each
// character that is not printable, such as a newline or an escape, by a space, and
// trims white space. A line of more than most bytes is truncated to no more than
// that, and an ellipsis is appended.
func Text(text string, most int) string {
	text = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.TrimSpace(text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// Is reports whether text consists of printable characters and has at most most
// bytes, so that Text would do no more than trim white space.
func Is(text string, most int) bool {
	return len(text) <= most && utf8.ValidString(text) &&
		!strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) })
}
