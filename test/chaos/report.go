//go:build unix

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// print writes the report. It reports whether all promises were kept.
func (r *record) print(w io.Writer, s *settings) (kept bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "chaos: %s, seed %d\n\n", s.scenario, s.seed)
	r.printCalls(&b)
	r.printFaults(&b)
	fmt.Fprintf(&b, "\n%d ejections, %d readmissions, %d retries, %d calls ended by the retry budget\n\n", r.ejections, r.readmissions, r.retries, r.exhausted)
	kept = r.printVerdict(&b, s.allowOutage)
	_, err = io.WriteString(w, b.String())
	return kept, err
}

// printCalls writes a table of the calls by kind, and a sample of each kind's failures.
func (r *record) printCalls(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "calls\tnumber\tfailed\tmedian\tp99\tworst\t")
	for _, name := range slices.Sorted(maps.Keys(r.kinds)) {
		c := r.kinds[name]
		slices.Sort(c.took)
		at := func(q float64) time.Duration {
			return c.took[int(q*float64(len(c.took)-1))].Round(10 * time.Microsecond)
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\t%s\t\n", name, len(c.took), c.failed, at(0.5), at(0.99), at(1))
	}
	table.Flush()
	for _, name := range slices.Sorted(maps.Keys(r.kinds)) {
		if c := r.kinds[name]; c.failed > 0 {
			fmt.Fprintf(w, "failed: %s, for example: %v\n", name, c.sample)
		}
	}
}

// printFaults writes the faults in the order of their times.
func (r *record) printFaults(w io.Writer) {
	slices.SortFunc(r.faults, func(a, b fault) int { return int(a.from - b.from) })
	fmt.Fprintln(w, "\nfaults:")
	for _, f := range r.faults {
		fmt.Fprintf(w, "  %6.1f s to %6.1f s  peer %d  %-5s  %s\n", f.from.Seconds(), f.to.Seconds(), f.peer, f.harm, f.note)
	}
}

// printVerdict writes the promises that were kept and broken. It reports whether
// none was broken.
func (r *record) printVerdict(w io.Writer, allowOutage bool) (kept bool) {
	kept = true
	for _, b := range r.bars {
		said := "met   "
		if b.value > b.most {
			said, kept = "MISSED", false
		}
		fmt.Fprintf(w, "%s  %s: %s, at most %s\n", said, b.about, b.value.Round(time.Millisecond), b.most)
	}
	if r.lost.count > 0 {
		fmt.Fprintf(w, "lost by the cluster, whose consensus has not passed on what a peer confirmed: %d, for example: %s\n", r.lost.count, r.lost.sample)
	}
	for _, fact := range r.facts {
		fmt.Fprintf(w, "checked: %s\n", fact)
	}
	failed, all := 0, 0
	for _, c := range r.kinds {
		failed += c.failed
		all += len(c.took)
	}
	if failed > 0 && !allowOutage {
		kept = false
		fmt.Fprintf(w, "BROKEN: %d of %d calls failed\n", failed, all)
	}
	if all == 0 || !slices.ContainsFunc(r.faults, fault.wasInflicted) {
		kept = false
		fmt.Fprintln(w, "BROKEN: there were no calls, or no faults: use a longer -duration")
	}
	for _, kind := range slices.Sorted(maps.Keys(r.broken)) {
		kept = false
		fmt.Fprintf(w, "BROKEN: %s: %d, for example: %s\n", kind, r.broken[kind].count, r.broken[kind].sample)
	}
	if kept {
		fmt.Fprintf(w, "all promises were kept in %d calls, of which %d failed\n", all, failed)
	}
	return kept
}
