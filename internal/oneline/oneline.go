// Package oneline sanitizes text from the network for errors and logs.
package oneline

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns text as one line of printable characters, cut to at most most
// bytes and an ellipsis. It replaces each character that is not printable, such as
// a line end or an escape, by a space, and trims white space.
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

// Is reports whether text is short enough and printable, so that Text need not
// replace or cut anything.
func Is(text string, most int) bool {
	return len(text) <= most && utf8.ValidString(text) &&
		!strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) })
}
