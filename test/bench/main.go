// Command bench compares the clients with the cost of the wire, and with a
// straightforward client.
//
//	go run ./test/bench [-run NAME,...] [-count N] [-json] [-svg FILE]
//
// Each workload is done by several contenders in turn, in one process and
// against the same server: "ours"; "naive", the usual client with net/http and
// encoding/json; and "floor", the unavoidable part, such as net/http alone.
// Each contender has -count turns, or more if they are short. Only the ratios
// of medians within one run are meaningful: then all contenders share the
// machine and are equally affected by its other load.
//
// The command prints a table for each workload. Some figures have a bar: a limit
// that they must reach. A missed bar is reported, but is not a failure, because
// timings depend on the machine's other load. With -json the command prints one
// JSON object instead, in which each dot in a figure's name begins a nested
// object. -svg writes a chart of the times. docs/benchmarks.md explains each
// figure.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if setting := os.Getenv(sinksEnv); setting != "" {
		if err := servePins(setting, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	s, err := parse(os.Args[1:], os.Stderr)
	if err == nil {
		err = s.run(ctx, os.Stdout, os.Stderr)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
}

// settings are the command-line settings.
type settings struct {
	workloads []workload
	count     int
	json      bool
	svg       string
}

func parse(args []string, output io.Writer) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(output)
	run := flags.String("run", "", "the `names` of the workloads to run, separated by commas: "+strings.Join(names(), ", "))
	flags.IntVar(&s.count, "count", 7, "how often each contender does the work; short work is done more often")
	flags.BoolVar(&s.json, "json", false, "print one JSON object in place of the tables")
	flags.StringVar(&s.svg, "svg", "", "the `file` for a chart of the times")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case flags.NArg() > 0:
		return nil, fmt.Errorf("argument %q: use -run to name workloads", flags.Arg(0))
	case s.count < 1:
		return nil, fmt.Errorf("-count %d: use at least 1", s.count)
	case *run == "":
		s.workloads = workloads
		return s, nil
	}
	for name := range strings.SplitSeq(*run, ",") {
		i := slices.IndexFunc(workloads, func(w workload) bool { return w.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no workload %q: use some of %s", name, strings.Join(names(), ", "))
		}
		s.workloads = append(s.workloads, workloads[i])
	}
	return s, nil
}

// run measures the workloads and prints the report. It prints the progress to notes.
func (s *settings) run(ctx context.Context, out, notes io.Writer) error {
	var reports []*report
	for _, w := range s.workloads {
		fmt.Fprintf(notes, "bench: %s: %s\n", w.name, w.about)
		r := &report{workload: w, count: s.count, values: map[string]float64{}}
		if err := w.measure(ctx, r); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		for _, f := range w.figures {
			if _, ok := r.values[f.name]; !ok {
				return fmt.Errorf("%s.%s was not measured", w.name, f.name)
			}
		}
		if !s.json {
			r.print(out)
		}
		reports = append(reports, r)
	}
	if s.svg != "" {
		var chart bytes.Buffer
		if err := errors.Join(writeChart(&chart, reports), os.WriteFile(s.svg, chart.Bytes(), 0o666)); err != nil {
			return err
		}
	}
	if s.json {
		return printJSON(out, reports)
	}
	return nil
}
