package main

import (
	"fmt"
	"html"
	"math"
	"strings"
	"time"
)

// svg builds a picture. Lengths are in pixels, and y grows downwards.
type svg struct{ strings.Builder }

type point struct{ x, y float64 }

const svgStyle = `text{font:11px system-ui,sans-serif;fill:#333}
.title{font-size:17px;font-weight:600;fill:#111}
.name{font-size:13px;font-weight:600;fill:#111}
.head{font-weight:600}
.tick{font-size:10px;fill:#666}
.small{font-size:10px;fill:#555}
.end{text-anchor:end}
.mid{text-anchor:middle}
`

// newSVG starts a picture with a white background, so that it is readable on
// any page.
func newSVG(width, height float64, title string) *svg {
	s := &svg{}
	fmt.Fprintf(s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(s, "<title>%s</title>\n<style>%s</style>\n", html.EscapeString(title), svgStyle)
	s.rect(0, 0, width, height, "#fff", 1)
	return s
}

func (s *svg) end() string {
	s.WriteString("</svg>\n")
	return s.String()
}

func (s *svg) rect(x, y, w, h float64, fill string, opacity float64) {
	fmt.Fprintf(s, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"`, x, y, w, h, fill)
	if opacity < 1 {
		fmt.Fprintf(s, ` fill-opacity="%.2f"`, opacity)
	}
	s.WriteString("/>\n")
}

func (s *svg) text(x, y float64, class, text string) {
	fmt.Fprintf(s, `<text x="%.1f" y="%.1f" class="%s">%s</text>`+"\n", x, y, class, html.EscapeString(text))
}

func (s *svg) line(from, to point, stroke string, width float64) {
	s.path([]point{from, to}, stroke, width)
}

// path draws a line through points. A point whose y is NaN is a gap.
func (s *svg) path(points []point, stroke string, width float64) {
	fmt.Fprintf(s, `<path fill="none" stroke="%s" stroke-width="%g" stroke-linejoin="round" d="`, stroke, width)
	command := "M"
	for _, p := range points {
		if math.IsNaN(p.y) {
			command = "M"
			continue
		}
		fmt.Fprintf(s, "%s%.1f %.1f", command, p.x, p.y)
		command = "L"
	}
	s.WriteString("\"/>\n")
}

// stairs fills the area between two step lines. Between the edges i and i+1
// they are at upper[i] and lower[i].
func (s *svg) stairs(edges, upper, lower []float64, fill string) {
	fmt.Fprintf(s, `<path fill="%s" d="M%.1f %.1f`, fill, edges[0], upper[0])
	for i := range upper {
		if i == 0 || upper[i] != upper[i-1] {
			fmt.Fprintf(s, "H%.1fV%.1f", edges[i], upper[i])
		}
	}
	last := len(lower) - 1
	fmt.Fprintf(s, "H%.1fV%.1f", edges[last+1], lower[last])
	for i := last - 1; i >= 0; i-- {
		if lower[i] != lower[i+1] {
			fmt.Fprintf(s, "H%.1fV%.1f", edges[i+1], lower[i])
		}
	}
	fmt.Fprintf(s, "H%.1fZ\"/>\n", edges[0])
}

// axis maps values to pixels.
type axis struct {
	min, max float64 // values
	from, to float64 // pixels
	log      bool
}

// at returns the position of v. Values beyond an end are at the end.
func (a axis) at(v float64) float64 {
	v = min(max(v, a.min), a.max)
	share := (v - a.min) / (a.max - a.min)
	if a.log {
		share = math.Log(v/a.min) / math.Log(a.max/a.min)
	}
	return a.from + share*(a.to-a.from)
}

// steps returns the values at which an axis has lines.
func (a axis) steps() []float64 {
	if a.log {
		return a.logSteps()
	}
	step := math.Pow(10, math.Floor(math.Log10((a.max-a.min)/4)))
	for _, by := range []float64{2, 2.5, 2} {
		if (a.max-a.min)/step > 7 {
			step *= by
		}
	}
	var all []float64
	for v := math.Ceil(a.min/step) * step; v <= a.max+step/1e6; v += step {
		all = append(all, v)
	}
	return all
}

// logSteps returns powers of ten, and 2 and 5 times these if there is room.
func (a axis) logSteps() []float64 {
	between := []float64{1}
	if a.max/a.min <= 60 {
		between = []float64{1, 2, 5}
	}
	var all []float64
	for power := math.Pow(10, math.Floor(math.Log10(a.min))); power <= a.max; power *= 10 {
		for _, by := range between {
			if v := power * by; v >= a.min*0.999 && v <= a.max*1.001 {
				all = append(all, v)
			}
		}
	}
	return all
}

// niceSpan widens a span of positive values to 1, 2 or 5 times powers of ten.
func niceSpan(least, most float64) (from, to float64) {
	nice := []float64{1, 2, 5, 10}
	down := math.Pow(10, math.Floor(math.Log10(least)))
	for _, by := range nice {
		if v := down * by; v <= least {
			from = v
		}
	}
	up := math.Pow(10, math.Floor(math.Log10(most)))
	for i := range nice {
		if v := up * nice[len(nice)-1-i]; v >= most {
			to = v
		}
	}
	if to < 4*from {
		from, to = from/2, to*2
	}
	return from, to
}

// short formats a time with few characters.
func short(seconds float64) string {
	switch d := time.Duration(math.Round(seconds*1e6)) * time.Microsecond; {
	case d >= time.Second:
		return fmt.Sprintf("%g s", seconds)
	case d >= time.Millisecond:
		return fmt.Sprintf("%g ms", math.Round(seconds*1e6)/1e3)
	default:
		return fmt.Sprintf("%g µs", math.Round(seconds*1e6))
	}
}
