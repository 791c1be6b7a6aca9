package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Positions in a chart. It has one row for each strategy, with the strategy's
// name and figures, its latency over time and its share of traffic per peer.
const (
	chartWidth = 1080.0
	headHeight = 114.0
	rowHeight  = 112.0
	footHeight = 14.0

	nameX     = 20.0
	latencyX  = 274.0
	latencyTo = 630.0
	shareX    = 685.0
	shareTo   = 1060.0
	panel     = 84.0 // height
)

const (
	gridColour   = "#e3e3e3"
	eventColour  = "#f9efcb"
	eventEdge    = "#a98a1f"
	failedColour = "#d62728"
)

// bands are the curves of the latency.
var bands = []struct {
	q      float64
	name   string
	colour string
}{
	{0.999, "p99.9", "#b07cc6"},
	{0.99, "p99", "#2a9d8f"},
	{0.50, "p50", "#0b5394"},
}

// chart draws a scenario.
func chart(o *outcome) string {
	height := headHeight + rowHeight*float64(len(everyStrategy)) + footHeight
	s := newSVG(chartWidth, height, o.name+": "+o.about)
	s.text(nameX, 30, "title", o.name)
	s.text(nameX, 50, "", o.about)
	groups := o.groups()
	drawLegend(s, o, groups)
	s.text(latencyX, headHeight-14, "head", "Latency of the calls by when they began (log scale)")
	s.text(shareX, headHeight-14, "head", "Share of the requests by peer")

	times := axis{max: o.length.Seconds()}
	series := map[string][]bin{}
	for _, strategy := range everyStrategy {
		series[strategy] = o.intervals(o.records[strategy], groups)
	}
	latency := latencyAxis(series)
	for i, strategy := range everyStrategy {
		y := headHeight + rowHeight*float64(i)
		drawName(s, o, strategy, y)
		latency.from, latency.to = y+panel, y
		times.from, times.to = latencyX, latencyTo
		drawGround(s, o, times, latency, short)
		drawLatency(s, series[strategy], times, latency)

		shares := axis{max: 1, from: y + panel, to: y}
		times.from, times.to = shareX, shareTo
		drawShares(s, series[strategy], times, shares, groups)
		drawGround(s, o, times, shares, nil)
		for _, v := range []float64{0, 0.5, 1} {
			s.text(shareX-6, shares.at(v)+3.5, "tick end", fmt.Sprintf("%g %%", 100*v))
		}
	}
	for _, x := range []float64{latencyX, shareX} {
		s.text((2*x+latencyTo-latencyX)/2, height-8, "tick mid", "simulated time in seconds")
	}
	return s.end()
}

// drawLegend draws the legend of the colours.
func drawLegend(s *svg, o *outcome, groups []group) {
	x, y := nameX, 72.0
	entry := func(colour, text string, opacity float64) {
		s.rect(x, y-9, 14, 10, colour, opacity)
		s.text(x+19, y, "", text)
		x += 34 + 6.1*float64(len(text))
	}
	for i := range bands {
		b := bands[len(bands)-1-i]
		entry(b.colour, b.name, 1)
	}
	entry(failedColour, "failed calls (strip at the top)", 0.8)
	if o.event.to > 0 {
		entry(eventColour, o.what, 1)
	}
	for _, g := range groups {
		if g.legend != "" {
			entry(g.colour, g.legend, 1)
		}
	}
}

// drawName writes a strategy's name and figures.
func drawName(s *svg, o *outcome, strategy string, y float64) {
	s.text(nameX, y+14, "name", strategy)
	y += 32
	for _, f := range o.figures {
		v, ok := o.value(f, strategy)
		if !ok {
			continue
		}
		s.text(nameX, y, "", fmt.Sprintf("%s = %s", f.name, f.unit.format(v)))
		y += 15
	}
	r := o.records[strategy]
	s.text(nameX, y, "tick", fmt.Sprintf("p50 %s, p99 %s, p99.9 %s",
		rounded(r.percentile(0.5)), rounded(r.percentile(0.99)), rounded(r.percentile(0.999))))
}

func rounded(d time.Duration) string {
	if d >= time.Second {
		return short(math.Round(d.Seconds()*100) / 100)
	}
	return short(math.Round(d.Seconds()*1000) / 1000)
}

// drawGround draws the lines of both axes and the time of the event. If format
// is not nil, it labels the y axis.
func drawGround(s *svg, o *outcome, x, y axis, format func(float64) string) {
	if o.event.to > 0 {
		from, to := x.at(o.event.from.Seconds()), x.at(o.event.to.Seconds())
		if format != nil {
			s.rect(from, y.to, to-from, y.from-y.to, eventColour, 1)
		}
		// On top of areas, draw only the ends of the event.
		for _, at := range []float64{from, to} {
			s.line(point{at, y.to}, point{at, y.from}, eventEdge, 1)
		}
	}
	if format != nil {
		for _, v := range y.steps() {
			s.line(point{x.from, y.at(v)}, point{x.to, y.at(v)}, gridColour, 1)
			s.text(x.from-6, y.at(v)+3.5, "tick end", format(v))
		}
	}
	for _, v := range x.steps() {
		s.line(point{x.at(v), y.from}, point{x.at(v), y.from + 4}, "#999", 1)
		s.text(x.at(v), y.from+15, "tick mid", fmt.Sprintf("%g", v))
	}
	s.line(point{x.from, y.from}, point{x.to, y.from}, "#999", 1)
}

func drawLatency(s *svg, series []bin, x, y axis) {
	width := (x.to - x.from) / float64(len(series))
	for _, b := range bands {
		var points []point
		empty := func(i int) bool { return i < 0 || i >= len(series) || series[i].percentile(b.q) == 0 }
		for i := range series {
			middle := x.from + width*(float64(i)+0.5)
			value := y.at(series[i].percentile(b.q).Seconds())
			switch {
			case empty(i):
				points = append(points, point{middle, math.NaN()})
			case empty(i-1) && empty(i+1): // a line needs two points
				points = append(points, point{middle - width/2, value}, point{middle + width/2, value})
			default:
				points = append(points, point{middle, value})
			}
		}
		s.path(points, b.colour, 1.6)
	}
	for i := range series {
		if share := ratio(series[i].failed, len(series[i].took)); share > 0 {
			s.rect(x.from+width*float64(i), y.to-5, width, 5, failedColour, max(0.3, share))
		}
	}
}

// drawShares stacks the groups' shares of the requests.
func drawShares(s *svg, series []bin, x, y axis, groups []group) {
	var edges []float64
	for i := range len(series) + 1 {
		edges = append(edges, x.from+(x.to-x.from)*float64(i)/float64(len(series)))
	}
	sums := make([]int, len(series))
	below := slices.Repeat([]float64{y.from}, len(series))
	for g := range groups {
		upper := make([]float64, len(series))
		for i := range series {
			all := 0
			for _, n := range series[i].requests {
				all += n
			}
			sums[i] += series[i].requests[g]
			upper[i] = math.Round(10*y.at(ratio(sums[i], all))) / 10
		}
		s.stairs(edges, upper, below, groups[g].colour)
		below = upper
	}
}
