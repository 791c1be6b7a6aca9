package top

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/lbclient"
)

var noon = time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC)

// shown returns a model that has got the messages of half a minute in the life of a
// cluster.
func shown(width, height int) *model {
	m := newModel(Options{Title: "pinfleet top · 3 endpoints · leastloaded", Interval: time.Second, PinsInterval: 10 * time.Second}, noon)
	send := func(msg tea.Msg) { m.Update(msg) }
	send(tea.WindowSizeMsg{Width: width, Height: height})
	for i := range 30 {
		second := Endpoint{Name: "/ip4/10.0.0.2/tcp/9094", State: lbclient.Admitted, Latency: time.Duration(1+i%4) * 10 * time.Millisecond, Share: 0.4}
		third := Endpoint{Name: "/dns4/third-peer.cluster.example.org/tcp/9094/https", State: lbclient.Admitted, Latency: 2 * time.Millisecond, Share: 0.2}
		if i > 24 {
			third.State, third.Latency, third.Share = lbclient.Ejected, -time.Second, 0
		}
		s := Sample{At: noon.Add(time.Duration(i) * time.Second), Endpoints: []Endpoint{
			{Name: "/ip4/10.0.0.1/tcp/9094", State: lbclient.Admitted, Latency: 1234 * time.Microsecond, Share: 0.4}, second, third}}
		if i == 25 {
			s.Events = []Event{{At: s.At, Bad: true, Text: third.Name + " is ejected: connection refused"}}
		}
		send(s)
	}
	send(Pins{At: noon, Counts: map[api.ClusterStatus]int{api.ClusterStatusPinned: 12345, api.ClusterStatusPinning: 20, api.ClusterStatusPartly: 7}})
	send(Pins{At: noon.Add(28 * time.Second), Counts: map[api.ClusterStatus]int{api.ClusterStatusPinned: 12345, api.ClusterStatusPinning: 20, api.ClusterStatusPartly: 7, api.ClusterStatusFailed: 4}})
	return m
}

// screens are the screens of shown by width.
var screens = map[int]string{
	80: `
pinfleet top · 3 endpoints · leastloaded                                12:00:29

ENDPOINT                         STATE      LATENCY  LAST 20s              SHARE
/ip4/10.0.0.1/tcp/9094           admitted    1.2 ms  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁   40 %
/ip4/10.0.0.2/tcp/9094           admitted     20 ms  ▇█▃▅▇█▃▅▇█▃▅▇█▃▅▇█▃▅   40 %
third-peer.clus….org:9094/https  ejected     failed  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁×××××    0 %

PINS  12,376:  pinned 12,345  partly 7  pinning 20  failed 4

EVENTS
12:00:28  pins that have failed: 4 more
12:00:25  /dns4/third-peer.cluster.example.org/tcp/9094/https is ejected: conne…

q quits
`,
	60: `
pinfleet top · 3 endpoints · leastloaded            12:00:29

ENDPOINT               STATE      LATENCY  LAST 10s    SHARE
10.0.0.1:9094          admitted    1.2 ms  ▁▁▁▁▁▁▁▁▁▁   40 %
10.0.0.2:9094          admitted     20 ms  ▃▅▇█▃▅▇█▃▅   40 %
third-peer…9094/https  ejected     failed  ▁▁▁▁▁×××××    0 %

PINS  12,376:  pinned 12,345  partly 7  pinning 20  failed 4

EVENTS
12:00:28  pins that have failed: 4 more
12:00:25  /dns4/third-peer.cluster.example.org/tcp/9094/htt…

q quits
`,
	46: `
pinfleet top · 3 endpoints · leastlo… 12:00:29

ENDPOINT             STATE      LATENCY  SHARE
10.0.0.1:9094        admitted    1.2 ms   40 %
10.0.0.2:9094        admitted     20 ms   40 %
third-pee…094/https  ejected     failed    0 %

PINS  12,376:  pinned 12,345  partly 7
      pinning 20  failed 4

EVENTS
12:00:28  pins that have failed: 4 more
12:00:25  /dns4/third-peer.cluster.example.or…
q quits
`,
	24: `
pinfleet top ·… 12:00:29

ENDPOINT        STATE
10.0.0.1:9094   admitted
… and 2 more

PINS  12,376:
      pinned 12,345
      partly 7
      pinning 20
      failed 4

EVENTS
q quits
`,
}

// TestScreens compares the screen at several widths.
func TestScreens(t *testing.T) {
	for width, want := range screens {
		got := ansi.Strip(shown(width, 14).text())
		lines := strings.Split(got, "\n")
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
		if got := strings.Join(lines, "\n"); got != strings.Trim(want, "\n") {
			t.Errorf("%d columns:\n%s\nwant:\n%s", width, got, want)
		}
	}
}

// TestFits checks that nothing is wider or higher than the terminal, whatever its size,
// and that the hint how to leave is always shown.
func TestFits(t *testing.T) {
	for width := 1; width <= 100; width++ {
		for _, height := range []int{1, 2, 5, 8, 12, 24, 60} {
			lines := strings.Split(shown(width, height).text(), "\n")
			if len(lines) > height || ansi.Strip(lines[len(lines)-1]) != "q quits" {
				t.Fatalf("%d × %d: %d lines, the last is %q", width, height, len(lines), lines[len(lines)-1])
			}
			for _, line := range lines[:len(lines)-1] {
				if ansi.StringWidth(line) > width {
					t.Fatalf("%d × %d: %q is %d columns wide", width, height, line, ansi.StringWidth(line))
				}
			}
		}
	}
}

// TestManyEndpoints checks that the screen says how many endpoints it does not show.
func TestManyEndpoints(t *testing.T) {
	m := newModel(Options{Interval: time.Second}, noon)
	m.Update(tea.WindowSizeMsg{Width: 80, Height: 16})
	var s Sample
	for i := range 20 {
		s.Endpoints = append(s.Endpoints, Endpoint{Name: fmt.Sprintf("peer-%02d", i), State: lbclient.Admitted})
	}
	m.Update(s)
	text := ansi.Strip(m.text())
	rows := strings.Count(text, "peer-")
	if want := fmt.Sprintf("… and %d more", 20-rows); rows == 0 || !strings.Contains(text, want) {
		t.Errorf("%d rows and no %q:\n%s", rows, want, text)
	}
}

// TestMessages checks what each message makes the program do next.
func TestMessages(t *testing.T) {
	m := newModel(Options{Interval: time.Nanosecond, PinsInterval: time.Nanosecond}, noon)
	m.sample = func() tea.Msg { return "sampled" }
	m.count = func() tea.Msg { return "counted" }
	for _, step := range []struct {
		msg, want any
	}{
		{Sample{}, sampleDue{}},
		{sampleDue{}, "sampled"},
		{Pins{}, pinsDue{}},
		{pinsDue{}, "counted"},
		{tea.KeyPressMsg{Code: 'q', Text: "q"}, tea.QuitMsg{}},
		{tea.KeyPressMsg{Code: tea.KeyEscape}, tea.QuitMsg{}},
		{tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}, tea.InterruptMsg{}},
	} {
		_, cmd := m.Update(step.msg)
		if cmd == nil {
			t.Errorf("%#v: nothing", step.msg)
		} else if got := cmd(); got != step.want {
			t.Errorf("%#v: %#v, want %#v", step.msg, got, step.want)
		}
	}
	if _, cmd := m.Update(tea.KeyPressMsg{Code: 'x', Text: "x"}); cmd != nil {
		t.Error("x does something")
	}
}

// TestCostOfLists checks that the pins are listed for at most a tenth of the time.
func TestCostOfLists(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{0: 10 * time.Second, time.Second: 10 * time.Second, time.Minute: 9 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			_, next := newModel(Options{PinsInterval: 10 * time.Second}, noon).Update(Pins{Took: took})
			began := time.Now()
			next()
			if pause := time.Since(began); pause != want {
				t.Errorf("after a list of %s, the next one comes in %s, want %s", took, pause, want)
			}
		})
	}
}

// TestPinsThatCannotBeListed checks that the last complete count stays on the screen.
func TestPinsThatCannotBeListed(t *testing.T) {
	m := shown(80, 24)
	m.Update(Pins{At: noon, Err: errors.New("boom")})
	text := ansi.Strip(m.text())
	if !strings.Contains(text, "pinned 12,345") || !strings.Contains(text, "the pins cannot be listed: boom") || strings.Contains(text, "incomplete") {
		t.Error(text)
	}
	empty := newModel(Options{}, noon)
	if text := ansi.Strip(empty.text()); !strings.Contains(text, "are being counted") || !strings.Contains(text, "none so far") {
		t.Error(text)
	}
	empty.Update(Pins{At: noon, Counts: map[api.ClusterStatus]int{api.ClusterStatusPinned: 1}, Err: errors.New("cut")})
	if text := ansi.Strip(empty.text()); !strings.Contains(text, "PINS  1:  pinned 1  incomplete") {
		t.Error(text)
	}
}
