//go:build unix

package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/test/clustertest"
)

var (
	clock   = regexp.MustCompile(`\d\d:\d\d:\d\d`)
	port    = regexp.MustCompile(`tcp/\d+ *`)
	latency = regexp.MustCompile(` +\d+(\.\d)? ms  [ ▁▂▃▄▅▆▇█]{20}`)
	share   = regexp.MustCompile(` +\d+ %`)
)

// without replaces the figures on a screen of top.
func without(text string) string {
	text = clock.ReplaceAllString(text, "00:00:00")
	text = port.ReplaceAllString(text, "tcp/PORT ")
	text = latency.ReplaceAllString(text, " LATENCY")
	return share.ReplaceAllString(text, " SHARE")
}

const healthyTop = `pinfleet top · 2 endpoints                                              00:00:00

ENDPOINT                         STATE      LATENCY  LAST 20s              SHARE
/ip4/127.0.0.1/tcp/PORT admitted LATENCY SHARE
/ip4/127.0.0.1/tcp/PORT admitted LATENCY SHARE

PINS  3:  pinned 3

EVENTS
none so far









q quits`

// TestTop compares the screen of top with a healthy cluster. Then a peer dies, the
// terminal becomes narrower, and q quits.
func TestTop(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 2})
	c.Seed(3)
	term := onScreen(t, command(testContext(t), t, c, "top", "--strategy", "roundrobin"), 80, 20)
	if got := without(term.await("PINS  3:", "50 %")); got != healthyTop {
		t.Errorf("screen:\n%s\nwant:\n%s", got, healthyTop)
	}
	c.Peer(1).Stop()
	term.await("ejected", "failed", "×", "connection refused")
	if err := term.Resize(46, 14); err != nil {
		t.Fatal(err)
	}
	narrow := term.await("127.0.0.1:")
	for line := range strings.Lines(narrow) {
		if strings.Contains(line, "LAST") {
			t.Errorf("there is a sparkline in 46 columns:\n%s", narrow)
		}
	}
	term.press("q")
	if status := term.status(); status != 0 {
		t.Errorf("status %d", status)
	}
	if text := term.Screen(); text != "" {
		t.Errorf("left on the screen:\n%s", text)
	}
}

// TestTopInterrupted checks the exit status after Ctrl-C.
func TestTopInterrupted(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	term := onScreen(t, command(testContext(t), t, c, "top"), 80, 20)
	term.await("PINS  0")
	term.press(ctrlC)
	if status := term.status(); status != 130 {
		t.Errorf("status %d", status)
	}
	term.await("pinfleet: interrupted")
}

// TestTopWithoutTerminal checks that top refuses to write to a file.
func TestTopWithoutTerminal(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	out, err := command(testContext(t), t, c, "top").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "top needs a terminal") || strings.Contains(string(out), "\x1b") {
		t.Errorf("%v: %q", err, out)
	}
}
