package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/internal/naive"
)

func TestParse(t *testing.T) {
	s, err := parse([]string{"-json", "-count", "2", "-run", "id,add_small"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if !s.json || s.count != 2 || len(s.workloads) != 2 || s.workloads[0].name != "id" || s.workloads[1].name != "add_small" {
		t.Errorf("settings = %+v", s)
	}
	if s, err = parse(nil, io.Discard); err != nil || len(s.workloads) != len(workloads) {
		t.Errorf("without arguments: %+v, %v", s, err)
	}
	for _, bad := range []string{"-run=nope", "-run=id,", "-count=0", "id"} {
		if _, err := parse([]string{bad}, io.Discard); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

// steps returns the settings of one workload with the given measure function.
func steps(measure func(context.Context, *report) error) settings {
	return settings{count: 3, json: true, workloads: []workload{{
		name:    "steps",
		figures: []figure{{name: "a.b", bar: 1}},
		measure: measure,
	}}}
}

// TestRaceInterleaves checks that each contender takes part in each round, and
// that the first round does not count.
func TestRaceInterleaves(t *testing.T) {
	var order strings.Builder
	turn := func(name string) contender {
		return contender{name, func(context.Context) error {
			order.WriteString(name)
			return nil
		}}
	}
	s := steps(func(ctx context.Context, r *report) error {
		r.work(1, "a step")
		standings, err := r.race(ctx, turn("x"), turn("y"))
		if err != nil {
			return err
		}
		if len(standings) != 2 || standings[0].name != "x" || standings[1].name != "y" ||
			standings[0].best > standings[0].median.time || standings[0].worst < standings[0].median.time {
			t.Errorf("standings = %+v", standings)
		}
		r.values["a.b"] = 0.5
		return nil
	})
	s.svg = filepath.Join(t.TempDir(), "chart.svg")
	var out bytes.Buffer
	if err := s.run(t.Context(), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if order.String() != "xyyxxyyx" {
		t.Errorf("order = %s", order.String())
	}
	chart, err := os.ReadFile(s.svg)
	if err != nil {
		t.Fatal(err)
	}
	bars := 0
	for dec := xml.NewDecoder(bytes.NewReader(chart)); ; {
		token, err := dec.Token()
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			bars++
		}
	}
	if bars != 3 { // one of them is the background
		t.Errorf("%d rectangles:\n%s", bars, chart)
	}
	var doc struct {
		Steps struct{ A struct{ B float64 } }
	}
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil || doc.Steps.A.B != 0.5 {
		t.Errorf("%s: %v", out.String(), err)
	}
}

func TestRunFails(t *testing.T) {
	broken := errors.New("broken")
	s := steps(func(ctx context.Context, r *report) error {
		_, err := r.race(ctx, contender{"x", func(context.Context) error { return broken }})
		return err
	})
	if err := s.run(t.Context(), io.Discard, io.Discard); !errors.Is(err, broken) {
		t.Errorf("a contender that fails: %v", err)
	}
	s = steps(func(context.Context, *report) error { return nil })
	if err := s.run(t.Context(), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "steps.a.b") {
		t.Errorf("a figure that was not measured: %v", err)
	}
}

func TestPeakSeesWhatIsHeld(t *testing.T) {
	var held []byte
	mb, err := peak(t.Context(), func(context.Context) error {
		held = make([]byte, 64<<20)
		return nil
	})
	if err != nil || mb < 60 || len(held) == 0 {
		t.Errorf("peak = %v MB, %v", mb, err)
	}
}

// TestContendersAreChecked checks that a listing with missing items is an error.
func TestContendersAreChecked(t *testing.T) {
	docs, err := newDocuments()
	if err != nil {
		t.Fatal(err)
	}
	body, err := docs.status()
	if err != nil {
		t.Fatal(err)
	}
	s, err := serve(streaming(body, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	n, err := naiveList[naive.Status](t.Context(), s.url)
	if err != nil || n != distinct {
		t.Errorf("naive client: %d items, %v, want %d", n, err, distinct)
	}
	if err := complete(n, distinct+1, nil); err == nil {
		t.Error("an item is missing, and nobody noticed")
	}
	if err := tokenize(t.Context(), s.url); err != nil {
		t.Error(err)
	}
}

// TestFiguresAreDocumented checks that docs/benchmarks.md explains each figure,
// and no others.
func TestFiguresAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/benchmarks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, meaning, _ := strings.Cut(string(text), "## What each figure means")
	explained := map[string]bool{}
	for paragraph := range strings.SplitSeq(meaning, "\n\n") {
		head, _, ok := strings.Cut(paragraph, " — ")
		if !ok {
			continue
		}
		last := ""
		for i, name := range strings.Split(head, "`") {
			if i%2 == 0 {
				continue
			}
			if strings.HasPrefix(name, ".") { // another figure of the same workload
				name = last + name
			}
			last, _, _ = strings.Cut(name, ".")
			explained[name] = true
		}
	}
	for _, w := range workloads {
		for _, f := range w.figures {
			name := w.name + "." + f.name
			if !explained[name] {
				t.Errorf("%s is not explained", name)
			}
			row := regexp.MustCompile(fmt.Sprintf("(?m)^\\| `%s` \\| [0-9.]+ \\| %s %v \\|", regexp.QuoteMeta(name), f.sign(), f.bar))
			if !row.Match(text) {
				t.Errorf("%s is not in the table, with the bar %s %v", name, f.sign(), f.bar)
			}
			delete(explained, name)
		}
	}
	for name := range explained {
		t.Errorf("%s is explained, and there is no such figure", name)
	}
}
