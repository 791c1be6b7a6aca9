package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/screen"
)

// texts returns the texts of an SVG, or fails the test if it is not well-formed.
func texts(t *testing.T, svg []byte) string {
	t.Helper()
	var all strings.Builder
	for dec := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return all.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok {
			all.Write(text)
		}
	}
}

func TestDraw(t *testing.T) {
	svg := draw([][]screen.Span{{{Text: "a <b> & c", Width: 9, Colour: 1}}, nil, {{Column: 2, Text: "bold", Width: 4, Colour: -1, Bold: true}}, nil}, "title")
	if got := texts(t, svg); !strings.Contains(got, "a <b> & c") || !strings.Contains(got, "bold") || !strings.Contains(got, "title") {
		t.Errorf("texts: %q", got)
	}
	for _, want := range []string{`viewBox="0 0 532 88"`, `fill="#ff7b72"`, `<tspan x="30.8" textLength="33.6" lengthAdjust="spacingAndGlyphs" font-weight="600">bold`} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("no %s in %s", want, svg)
		}
	}
}

// TestPicture checks that the picture in README.md is one of this program, with all its
// commands.
func TestPicture(t *testing.T) {
	svg, err := os.ReadFile("../../../../docs/img/session.svg")
	if err != nil {
		t.Fatal(err)
	}
	got := texts(t, svg)
	for _, want := range []string{"pinfleet add big.iso", "added Qm", "pinfleet doctor", "nothing is wrong", "pinfleet top", "ejected", "q quits"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in the picture: run go run ./cmd/pinfleet/internal/recording", want)
		}
	}
}
