package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// report is what came of a workload.
type report struct {
	workload
	count     int
	often     int     // rounds for each of count; 0 is 1
	unit      string  // what the work consists of, with its article
	units     float64 // how many of them
	standings []standing
	notes     []string
	// values are the figures, and whatever else is worth to be kept, by name.
	values map[string]float64
}

// work says what the work consists of.
func (r *report) work(units int, unit string) { r.units, r.unit = float64(units), unit }

// rounds is how often each contender does the work.
func (r *report) rounds() int { return r.count * max(r.often, 1) }

// note keeps a line for the reader.
func (r *report) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// each returns the time that a unit took, in microseconds.
func (r *report) each(s standing) float64 { return float64(s.median.time) / r.units / 1e3 }

// keep puts the time of a unit of each contender among the values.
func (r *report) keep() {
	for _, s := range r.standings {
		r.values[s.name+"_us"] = r.each(s)
	}
}

// print writes the tables for a reader.
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
		verdict, sign := "ok", "≤"
		if !f.met(r.values[f.name]) {
			verdict = "MISSED"
		}
		if f.least {
			sign = "≥"
		}
		fmt.Fprintf(t, "  %s.%s\t%.3g\t%s %g\t%s\t%s\n", r.name, f.name, r.values[f.name], sign, f.bar, verdict, f.about)
	}
	t.Flush()
	fmt.Fprintln(w)
}

func short(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }

// printJSON writes one object, nested by the dots in the names of the figures.
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

// put sets what is at path in a tree of objects.
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
