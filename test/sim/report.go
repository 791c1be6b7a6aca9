package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// outcome is the result of a scenario with each strategy.
type outcome struct {
	*scenario
	records  map[string]*record
	controls map[string]*record // results of the second simulation, if there is one
}

// value returns a figure of a strategy. ok is false if the strategy does not
// have it.
func (o *outcome) value(f figure, strategy string) (v float64, ok bool) {
	if slices.Contains(f.without, strategy) {
		return 0, false
	}
	return f.of(o.records[strategy], o.controls[strategy]), true
}

// verdict compares a strategy's figure with its bar.
type verdict struct {
	figure   figure
	strategy string
	value    float64
	limit    float64
	met      bool
}

// verdicts returns the verdicts for all of the scenario's bars.
func (o *outcome) verdicts() []verdict {
	var all []verdict
	for _, f := range o.figures {
		if f.bar == nil {
			continue
		}
		for _, strategy := range f.bar.holds {
			v, _ := o.value(f, strategy)
			r := o.records[strategy]
			all = append(all, verdict{f, strategy, v, f.bar.limit(r), f.bar.met(v, r)})
		}
	}
	return all
}

// allMet reports whether all bars are met.
func allMet(outcomes []*outcome) bool {
	for _, o := range outcomes {
		for _, v := range o.verdicts() {
			if !v.met {
				return false
			}
		}
	}
	return true
}

// printJSON writes one object: scenario → figure → strategy → value. Shares are
// fractions, times are seconds.
func printJSON(w io.Writer, outcomes []*outcome) error {
	doc := map[string]map[string]map[string]float64{}
	for _, o := range outcomes {
		figures := map[string]map[string]float64{}
		for _, f := range o.figures {
			figures[f.name] = map[string]float64{}
			for _, strategy := range everyStrategy {
				if v, ok := o.value(f, strategy); ok {
					figures[f.name][strategy] = v
				}
			}
		}
		doc[o.name] = figures
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}

// printTable writes a table of the figures and the verdicts of each scenario.
func printTable(w io.Writer, outcomes []*outcome) error {
	for _, o := range outcomes {
		fmt.Fprintf(w, "%s: %s\n", o.name, o.about)
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprint(table, "strategy\tcalls\trequests\tfailed\tp50\tp99\tp99.9\t")
		for _, f := range o.figures {
			fmt.Fprintf(table, "%s\t", f.name)
		}
		fmt.Fprintln(table)
		for _, strategy := range everyStrategy {
			r := o.records[strategy]
			fmt.Fprintf(table, "%s\t%d\t%d\t%d\t", strategy, len(r.calls), len(r.attempts), r.failed())
			for _, q := range []float64{0.5, 0.99, 0.999} {
				fmt.Fprintf(table, "%s\t", r.percentile(q).Round(time.Millisecond))
			}
			for _, f := range o.figures {
				if v, ok := o.value(f, strategy); ok {
					fmt.Fprintf(table, "%s\t", f.unit.format(v))
				} else {
					fmt.Fprint(table, "-\t")
				}
			}
			fmt.Fprintln(table)
		}
		if err := table.Flush(); err != nil {
			return err
		}
		for _, v := range o.verdicts() {
			said := "met"
			if !v.met {
				said = "MISSED"
			}
			fmt.Fprintf(w, "  %-6s  %s.%s = %s, bar %s %s (%s)\n", said, v.figure.name, v.strategy,
				v.figure.unit.format(v.value), v.figure.bar.sign(), v.figure.unit.format(v.limit), v.figure.about)
			if r := o.records[v.strategy]; !v.met && r.sample != nil {
				fmt.Fprintf(w, "          a failed call: %v\n", r.sample)
			}
		}
		fmt.Fprintln(w)
	}
	return nil
}
