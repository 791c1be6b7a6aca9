package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// brief returns a scenario that is short enough for a test: the first of three
// peers is dead for a while.
func brief() *scenario {
	return &scenario{
		name: "brief", about: "3 peers & <a short time>", length: 5 * time.Second, peers: 3, retries: 2,
		special: only(0), event: span{time.Second, 3 * time.Second}, what: "dead",
		answer: around50,
		down: func(peer int) []span {
			if peer == 0 {
				return []span{{time.Second, 3 * time.Second}}
			}
			return nil
		},
		drive: reads(100),
		figures: []figure{failedCalls(ours...), {
			name: "share", unit: percent, without: []string{baseline},
			of: func(r, _ *record) float64 { return r.share(span{time.Second, 3 * time.Second}, only(0)) },
		}},
	}
}

// TestSimulation checks that every strategy gets the same load, serves it, and
// sends nothing to the dead peer, unlike the baseline.
func TestSimulation(t *testing.T) {
	o := simulateAll(t, []*scenario{brief()}, 1)[0]
	calls := len(o.records[baseline].calls)
	if calls < 400 || calls > 600 {
		t.Errorf("%d calls, want about 500", calls)
	}
	for _, strategy := range everyStrategy {
		r := o.records[strategy]
		if len(r.calls) != calls {
			t.Errorf("%s: %d calls, the baseline has %d", strategy, len(r.calls), calls)
		}
		if p50 := r.percentile(0.5); p50 < 45*time.Millisecond || p50 > 55*time.Millisecond {
			t.Errorf("%s: median %v, want about 50 ms", strategy, p50)
		}
		if strategy == baseline {
			continue
		}
		if r.failed() > 0 {
			t.Errorf("%s: %d failed calls, one: %v", strategy, r.failed(), r.sample)
		}
		if len(r.ejections) == 0 {
			t.Errorf("%s: the dead peer was never ejected", strategy)
		}
		if share, _ := o.value(o.figures[1], strategy); share > 0.1 {
			t.Errorf("%s: the dead peer gets %.0f %% of the requests", strategy, 100*share)
		}
	}
	if !allMet([]*outcome{o}) {
		t.Error("a bar was missed")
	}
	if _, ok := o.value(o.figures[1], baseline); ok {
		t.Error("the baseline has a figure that only ours have")
	}
	checkXML(t, chart(o))
}

// checkXML checks that a chart is well-formed and has no NaN or Inf coordinates.
func checkXML(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Error("the chart has coordinates that are no numbers")
	}
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestRollingSeesWhatIsWrong checks that the checks of a rolling restart can
// fail: they find broken listings and adds of the baseline.
func TestRollingSeesWhatIsWrong(t *testing.T) {
	s := *rolling
	s.length = 16 * time.Second // only the first restart
	r := simulate(t, &s, 1, makerOf(baseline, nil))
	if r.wrong == 0 {
		t.Error("the baseline neither lost nor repeated an item")
	}
	r = simulate(t, &s, 1, makerOf("roundrobin", nil))
	if r.wrong != 0 || r.failed() != 0 {
		t.Errorf("roundrobin: %d wrong items, %d failed calls, one: %v", r.wrong, r.failed(), r.sample)
	}
}

func TestReport(t *testing.T) {
	s := brief()
	s.figures[1].bar = &bar{most: 0.5, below: true, holds: []string{"sticky"}}
	r := &record{
		calls:    []call{{took: time.Second}, {took: 2 * time.Second, failed: true}},
		attempts: []attempt{{peer: 0, begun: 2 * time.Second}},
		sample:   errors.New("all is lost"),
	}
	o := &outcome{scenario: s, records: map[string]*record{}}
	for _, strategy := range everyStrategy {
		o.records[strategy] = r
	}
	if allMet([]*outcome{o}) {
		t.Error("no bar was missed")
	}
	var out bytes.Buffer
	if err := printTable(&out, []*outcome{o}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"MISSED  failed.failover = 1, bar ≤ 0", "MISSED  share.sticky = 100 %, bar < 50 %", "all is lost",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	out.Reset()
	if err := printJSON(&out, []*outcome{o}); err != nil {
		t.Fatal(err)
	}
	var doc map[string]map[string]map[string]float64
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if got := doc["brief"]["failed"][baseline]; got != 1 {
		t.Errorf("brief.failed.naive = %v, want 1", got)
	}
	if _, ok := doc["brief"]["share"][baseline]; ok {
		t.Error("the baseline has a figure that only ours have")
	}
}

// TestRun checks that the command writes the charts and reports whether the
// bars are met.
func TestRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "charts")
	s := &settings{scenarios: []*scenario{brief()}, json: true, out: dir, seed: 2}
	var out bytes.Buffer
	met, err := s.run(t, &out, io.Discard)
	if err != nil || !met {
		t.Fatalf("met %v, error %v\n%s", met, err, &out)
	}
	if !json.Valid(out.Bytes()) {
		t.Errorf("not one JSON value: %s", &out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "brief.svg"))
	if err != nil {
		t.Fatal(err)
	}
	checkXML(t, string(text))
}

// TestOutDirIsNew: without -out, all runs of all users once wrote to one fixed
// directory below the directory for temporary files.
func TestOutDirIsNew(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var s settings
	a, errA := s.outDir()
	b, errB := s.outDir()
	defer os.Remove(a)
	defer os.Remove(b)
	if errA != nil || errB != nil || a == b || filepath.Dir(a) != os.TempDir() {
		t.Errorf("got %s and %s, errors %v and %v", a, b, errA, errB)
	}
}

func TestParse(t *testing.T) {
	s, err := parse([]string{"-scenario", "tail", "-json"}, io.Discard)
	if err != nil || len(s.scenarios) != 1 || s.scenarios[0] != tail || !s.json {
		t.Errorf("got %+v, %v", s, err)
	}
	if s, err := parse(nil, io.Discard); err != nil || len(s.scenarios) != 16 {
		t.Errorf("got %+v, %v, want all 16 scenarios", s, err)
	}
	for _, args := range [][]string{{"-scenario", "none"}, {"tail"}, {"-none"}} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
	if _, err := parse([]string{"-h"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}
