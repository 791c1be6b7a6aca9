package oneline

import (
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"boom":                  "boom",
		" two\r\na\x1b[2J\n":    "two  a [2J",
		"\u202eright\u0000":     "right",
		"\xff\xfe":              "\uFFFD",
		"12345678901":           "1234567890…",
		"äöüäöü":                "äöüäö…",
		"123456789ä":            "123456789…",
		strings.Repeat(" ", 20): "",
	} {
		got := Text(text, 10)
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if same := got == text; Is(text, 10) != same {
			t.Errorf("%q: Is says %t", text, !same)
		}
	}
}
