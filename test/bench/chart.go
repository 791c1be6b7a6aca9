package main

import (
	"fmt"
	"html"
	"io"
)

// Positions in the chart, in pixels. It has a group of bars for each workload,
// with one bar for each contender.
const (
	chartWidth = 860
	nameX      = 20
	barX       = 90
	barTo      = 640
	barHeight  = 16
	groupHead  = 34
	groupFoot  = 12
)

var colours = map[string]string{"ours": "#0b5394", "naive": "#d98a3d", "floor": "#9aa5ad", "http": "#9aa5ad", "bare_p2p": "#5b8dbf", "bare_http": "#9aa5ad", "wire": "#cfd6da"}

// writeChart draws the times of the contenders of each workload. Bars are drawn
// to scale, and that of the slowest contender takes the whole width. Workloads
// without contenders are omitted.
func writeChart(w io.Writer, reports []*report) error {
	height := groupFoot
	for _, r := range reports {
		if len(r.standings) > 0 {
			height += groupHead + len(r.standings)*barHeight + groupFoot
		}
	}
	p := &printer{w: w}
	p.printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`+"\n", chartWidth, height, chartWidth, height)
	p.printf("<title>Times of the benchmark's contenders</title>\n")
	p.printf("<style>text{font:11px system-ui,sans-serif;fill:#333}.name{font-size:13px;font-weight:600;fill:#111}</style>\n")
	p.printf(`<rect width="%d" height="%d" fill="#fff"/>`+"\n", chartWidth, height)
	y := 0
	for _, r := range reports {
		if len(r.standings) == 0 {
			continue
		}
		y += groupHead
		p.printf(`<text x="%d" y="%d" class="name">%s</text>`+"\n", nameX, y-10, html.EscapeString(r.name+": "+r.about))
		longest := 0.0
		for _, s := range r.standings {
			longest = max(longest, r.each(s))
		}
		for _, s := range r.standings {
			length := r.each(s) / longest * (barTo - barX)
			p.printf(`<text x="%d" y="%d">%s</text>`, nameX, y+12, html.EscapeString(s.name))
			p.printf(`<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, barX, y+2, length, barHeight-4, colours[s.name])
			p.printf(`<text x="%.1f" y="%d">%s µs %s</text>`+"\n", barX+length+6, y+12, threeDigits(r.each(s)), r.unit)
			y += barHeight
		}
		y += groupFoot
	}
	p.printf("</svg>\n")
	return p.err
}

// threeDigits formats v with at least three digits and without an exponent.
func threeDigits(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// printer prints and keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
