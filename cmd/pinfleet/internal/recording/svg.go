package main

import (
	"bytes"
	"encoding/xml"
	"fmt"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/screen"
)

// Sizes in the units of the picture. A character of the usual monospaced fonts is 0.6
// times as wide as the font is high.
const (
	fontSize   = 14
	charWidth  = 8.4
	lineHeight = 20
	margin     = 14
)

// colours are those of the basic colours of a terminal that a program here uses.
var colours = map[int]string{1: "#ff7b72", 2: "#7ee787", 3: "#e3b341"}

// draw returns an SVG of a terminal with the lines.
func draw(lines [][]screen.Span, title string) []byte {
	for len(lines) > 0 && len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	width, height := columns*charWidth+2*margin, float64(len(lines)*lineHeight+2*margin)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img">
<title>%s</title>
<style>text{font:%dpx ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#e6edf3;white-space:pre}</style>
<rect width="100%%" height="100%%" rx="8" fill="#0d1117"/>
`, width, height, width, height, escaped(title), fontSize)
	for i, line := range lines {
		if len(line) == 0 {
			continue
		}
		fmt.Fprintf(&b, `<text y="%d" xml:space="preserve">`, margin+i*lineHeight+fontSize)
		for _, s := range line {
			// The length keeps the columns straight in any font.
			fmt.Fprintf(&b, `<tspan x="%.1f" textLength="%.1f" lengthAdjust="spacingAndGlyphs"%s>%s</tspan>`,
				margin+float64(s.Column)*charWidth, float64(s.Width)*charWidth, look(s), escaped(s.Text))
		}
		b.WriteString("</text>\n")
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// look returns the attributes of a span.
func look(s screen.Span) string {
	attrs := ""
	if colour, ok := colours[s.Colour]; ok {
		attrs += fmt.Sprintf(` fill=%q`, colour)
	} else if s.Faint {
		attrs += ` fill="#8b949e"`
	}
	if s.Bold {
		attrs += ` font-weight="600"`
	}
	return attrs
}

func escaped(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes everything
	return b.String()
}
