//go:build unix

package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReport checks what counts as broken.
func TestReport(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(r *record)
		outage bool
		want   string // in the report of a broken promise; empty if all are kept
	}{
		{"all well", func(*record) {}, false, ""},
		{"a failed call", func(r *record) { r.called("pin", time.Second, errors.New("no luck")) }, false, "1 of 2 calls failed"},
		{"a failed call in an outage", func(r *record) { r.called("pin", time.Second, errors.New("no luck")) }, true, ""},
		{"a violation in an outage", func(r *record) { r.violated("wrong results", "item %d", 7) }, true, "wrong results: 1, for example: item 7"},
		{"a loss of the cluster's", func(r *record) { r.lapsed("item %d", 8) }, false, ""},
		{"no faults", func(r *record) { r.faults = nil }, false, "no faults"},
		{"only skipped faults", func(r *record) { r.faults[0].note = "skipped" }, false, "no faults"},
		{"no calls", func(r *record) { clear(r.kinds) }, false, "no calls"},
		{"a bar", func(r *record) { r.bars = []bar{{"a time", 2 * time.Second, time.Second}} }, false, "MISSED  a time: 2s, at most 1s"},
	} {
		r := newRecord()
		r.called("pin", time.Second, nil)
		r.inflicted(fault{harm: kill, peer: 1, from: time.Second, to: 2 * time.Second})
		c.change(r)
		var out strings.Builder
		kept, err := r.print(&out, &settings{scenario: stormy, allowOutage: c.outage})
		if err != nil || kept != (c.want == "") || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: kept %v, error %v, want %q in\n%s", c.name, kept, err, c.want, out.String())
		}
	}
}

// TestRemovedFileIsNoLeak: /dev/null was replaced during a run of ten minutes, and
// the descriptors that had been open before counted as new ones.
func TestRemovedFileIsNoLeak(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	before, err := takeStock()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	r := newRecord()
	before.compare(r)
	if len(r.broken) > 0 {
		t.Errorf("nothing has leaked: %v", r.broken["leaked descriptors"])
	}
}

// TestLeaks checks that a goroutine and a descriptor that stay are noticed.
func TestLeaks(t *testing.T) {
	before, err := takeStock()
	if err != nil {
		t.Fatal(err)
	}
	r := newRecord()
	before.compare(r)
	if len(r.broken) > 0 {
		t.Errorf("nothing has leaked: %v", r.broken)
	}
	end := make(chan struct{})
	ended := make(chan struct{})
	go func() { defer close(ended); <-end }()
	before.compare(r)
	close(end)
	<-ended
	if r.broken["leaked goroutines"] == nil {
		t.Error("a goroutine was not noticed")
	}
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("this system does not list descriptors")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before.compare(r)
	if r.broken["leaked descriptors"] == nil {
		t.Error("a descriptor was not noticed")
	}
}
