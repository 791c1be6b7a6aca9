// Command sim shows how the load balancer behaves under failure. It runs the
// real load balancer and the real strategies against in-memory peers in virtual
// time, so that hours take seconds.
//
//	go run ./test/sim [-scenario NAME] [-json] [-out DIR] [-seed N]
//
// It prints a table of figures for each scenario. Some figures have a bar: a
// limit that they must reach. With -json the command prints one object instead:
// scenario → figure → strategy → value, where shares are fractions. The strategy
// "naive" is a baseline that does not remember failures. The command writes a
// chart of each scenario to DIR, by default a new temporary directory. The exit
// status is 1 if a bar was missed, and 2 if the simulation failed.
//
// The seed determines the peers and the load. It does not determine which
// goroutine runs first within one instant of virtual time, nor the random
// choices of strategies, so figures differ slightly from run to run.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func main() {
	s, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "sim:", err)
		os.Exit(2)
	}
	inTest(func(t *testing.T) int {
		met, err := s.run(t, os.Stdout, os.Stderr)
		switch {
		case err != nil:
			fmt.Fprintln(os.Stderr, "sim:", err)
			return 2
		case !met:
			return 1
		}
		return 0
	})
}

// settings are the command-line settings.
type settings struct {
	scenarios []*scenario
	json      bool
	out       string
	seed      uint64
}

func parse(args []string, output io.Writer) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet("sim", flag.ContinueOnError)
	flags.SetOutput(output)
	name := flags.String("scenario", "", "the `name` of the only scenario to run: "+strings.Join(names(), ", "))
	flags.BoolVar(&s.json, "json", false, "print one JSON object in place of the tables")
	flags.StringVar(&s.out, "out", "", "the `directory` for the charts; by default a new temporary one")
	flags.Uint64Var(&s.seed, "seed", 1, "of the peers and the load")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("argument %q: use -scenario to name a scenario", flags.Arg(0))
	}
	for _, known := range scenarios {
		if *name == "" || *name == known.name {
			s.scenarios = append(s.scenarios, known)
		}
	}
	if len(s.scenarios) == 0 {
		return nil, fmt.Errorf("no scenario %q: use one of %s", *name, strings.Join(names(), ", "))
	}
	return s, nil
}

func names() []string {
	var all []string
	for _, s := range scenarios {
		all = append(all, s.name)
	}
	return all
}

// run simulates, writes the charts and prints the report. It reports whether
// all bars are met.
func (s *settings) run(t *testing.T, out, notes io.Writer) (met bool, err error) {
	outcomes := simulateAll(t, s.scenarios, s.seed)
	dir, err := s.outDir()
	if err != nil {
		return false, err
	}
	for _, o := range outcomes {
		if err := os.WriteFile(filepath.Join(dir, o.name+".svg"), []byte(chart(o)), 0o666); err != nil {
			return false, err
		}
	}
	print := printTable
	if s.json {
		print = printJSON
	}
	if err := print(out, outcomes); err != nil {
		return false, err
	}
	fmt.Fprintf(notes, "sim: charts are in %s\n", dir)
	return allMet(outcomes), nil
}

// outDir creates the directory for the charts. The default is a new directory,
// because other users of the machine may have simulated too.
func (s *settings) outDir() (string, error) {
	if s.out == "" {
		return os.MkdirTemp("", "pinfleet-sim-")
	}
	return s.out, os.MkdirAll(s.out, 0o777)
}

// everyStrategy holds the strategies under test and the baseline.
var everyStrategy = append(slices.Clone(ours), baseline)

// simulateAll runs each scenario with each strategy. It runs one simulation per
// processor at a time.
func simulateAll(t *testing.T, scenarios []*scenario, seed uint64) []*outcome {
	var outcomes []*outcome
	var mu sync.Mutex
	t.Run("scenarios", func(t *testing.T) { // waits for all parallel subtests
		for _, s := range scenarios {
			o := &outcome{scenario: s, records: map[string]*record{}, controls: map[string]*record{}}
			outcomes = append(outcomes, o)
			start := func(into map[string]*record, strategy string, m maker) {
				t.Run(s.name+"/"+strategy, func(t *testing.T) {
					t.Parallel()
					r := simulate(t, s, seed, m)
					mu.Lock()
					defer mu.Unlock()
					into[strategy] = r
				})
			}
			for _, strategy := range everyStrategy {
				start(o.records, strategy, makerOf(strategy, s.options))
				if s.control != nil && strategy != baseline {
					start(o.controls, strategy, makerOf(strategy, s.control))
				}
			}
		}
	})
	return outcomes
}
