package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// report is the result of a workload.
type report struct {
	workload
	count     int
	often     int     // factor by which there are more rounds than count; 0 means 1
	unit      string  // the unit of work with an article, such as "an item"
	units     float64 // number of units in one turn
	standings []standing
	notes     []string
	// values holds the figures and other results by name.
	values map[string]float64
}

// work sets the amount of work in one turn.
func (r *report) work(units int, unit string) { r.units, r.unit = float64(units), unit }

// rounds returns the number of each contender's turns.
func (r *report) rounds() int { return r.count * max(r.often, 1) }

// note adds a line to the report.
func (r *report) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// each returns the time per unit of work, in microseconds.
func (r *report) each(s standing) float64 { return float64(s.median.time) / r.units / 1e3 }

// keep adds each contender's time per unit to the values.
func (r *report) keep() {
	for _, s := range r.standings {
		r.values[s.name+"_us"] = r.each(s)
	}
}

// print writes the report as tables.
func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n", r.name, r.about)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if len(r.standings) > 0 {
		fmt.Fprintf(t, "\t%d rounds\tbest\tworst\t%s\tallocs\tbytes\t\n", r.rounds(), r.unit)
	}
	for _, s := range r.standings {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.2f µs\t%.1f\t%.0f\t\n", s.name, short(s.median.time), short(s.best), short(s.worst),
			r.each(s), s.median.allocs/r.units, s.median.bytes/r.units)
	}
	t.Flush()
	for _, n := range r.notes {
		fmt.Fprintf(w, "  %s\n", n)
	}
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.figures {
		verdict := "ok"
		if !f.met(r.values[f.name]) {
			verdict = "MISSED"
		}
		fmt.Fprintf(t, "  %s.%s\t%.3g\t%s %g\t%s\t%s\n", r.name, f.name, r.values[f.name], f.sign(), f.bar, verdict, f.about)
	}
	t.Flush()
	fmt.Fprintln(w)
}

func short(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }

// printJSON writes one object. Each dot in a figure's name begins a nested object.
func printJSON(w io.Writer, reports []*report) error {
	doc := map[string]any{}
	for _, r := range reports {
		for name, v := range r.values {
			put(doc, strings.Split(r.name+"."+name, "."), v)
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// put sets the value at path in a tree of objects.
func put(doc map[string]any, path []string, v float64) {
	if len(path) == 1 {
		doc[path[0]] = v
		return
	}
	inner, ok := doc[path[0]].(map[string]any)
	if !ok {
		inner = map[string]any{}
		doc[path[0]] = inner
	}
	put(inner, path[1:], v)
}
