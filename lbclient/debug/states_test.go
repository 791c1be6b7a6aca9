package debug

import (
	"errors"
	"fmt"
	"image/color"
	"strings"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
)

// everyState returns a Handler with endpoints in every state, and an event of every kind.
func everyState(t *testing.T) *Handler {
	t.Helper()
	now := time.Now()
	h := New()
	var infos fixed
	for i, state := range []lbclient.State{lbclient.Admitted, lbclient.Eligible, lbclient.Ejected, lbclient.Draining} {
		infos = append(infos, lbclient.EndpointInfo{
			Endpoint: peerName(i), State: state, Since: now.Add(-time.Hour), Weight: 1, InFlight: i, Attempts: 12345,
			EWMA: map[string]time.Duration{"read": 12 * time.Millisecond, "add": 3 * time.Second},
		})
		ended(h, peerName(i), 20*time.Millisecond, nil)
	}
	infos[2].NextProbe = now.Add(time.Hour)
	infos[2].Failures = map[string]uint64{"unavailable": 41, hostile: 1}
	infos[2].LastError, infos[2].LastErrorAt = hostile, now
	infos[3].Endpoints = []lbclient.EndpointInfo{{Endpoint: "within", State: lbclient.Admitted}}
	infos = append(infos, lbclient.EndpointInfo{Endpoint: hostile, State: hostile, EWMA: map[string]time.Duration{hostile: 1}})
	h.SetName("uploads")
	h.Watch(balancer{infos})
	h.EndpointEjected(lbclient.HealthEvent{Endpoint: hostile, Err: errors.New(hostile), For: time.Second})
	h.EndpointReadmitted(lbclient.HealthEvent{Endpoint: peerName(0)})
	h.MembershipChanged(lbclient.MembershipEvent{Added: []string{hostile}, Removed: []string{peerName(9)}})
	h.CallRetried(t.Context(), lbclient.AttemptEvent{Op: hostile, Endpoint: hostile, Err: errors.New(hostile)})
	h.BudgetExhausted(t.Context(), lbclient.AttemptEvent{Op: client.OpID, Endpoint: peerName(1)})
	h.AttemptStarted(t.Context(), lbclient.AttemptEvent{Op: client.OpID, Endpoint: peerName(1), Hedge: true})
	h.EndpointProbed(lbclient.ProbeEvent{Endpoint: peerName(2), Duration: 12 * time.Millisecond, Err: errors.New(hostile)})
	h.EndpointProbed(lbclient.ProbeEvent{Endpoint: peerName(1), Duration: 3 * time.Millisecond})
	for i, op := range []client.Op{client.OpAdd, client.OpID, hostile} {
		h.CallEnded(h.CallStarted(t.Context(), op), lbclient.CallEvent{Op: op, Attempts: 1 + i, Duration: 20 * time.Millisecond})
	}
	return h
}

// The page shows every state and every kind of event, in both colour schemes, in windows
// of the width of a phone and of a desktop.
func TestStatesInBrowser(t *testing.T) {
	if !needsBrowser(t) {
		return
	}
	for _, scheme := range []struct {
		name       string
		preference string
		background color.RGBA
	}{{"dark", "0", dark}, {"light", "1", light}} {
		for _, width := range []int{390, 1200} {
			t.Run(fmt.Sprintf("%s %d", scheme.name, width), func(t *testing.T) {
				url := serve(t, everyState(t))
				dom, shot, console := browse(t, url, "--window-size=1200,2800", "--blink-settings=preferredColorScheme="+scheme.preference)
				if len(console) > 0 {
					t.Errorf("the console says:\n%s", strings.Join(console, "\n"))
				}
				for _, kind := range []string{
					"admitted", "eligible", "ejected", "draining", "readmitted", "membership changed", "retried", "hedged", "budget exhausted", "probe answered", "probe failed",
				} {
					contains(t, dom, ">"+kind+"<")
				}
				contains(t, dom, "probe in 59 min", "unavailable 41", "read 12 ms", "12,345", ">within<", ">uploads<", ">strategy.Test<", ">17<", ">25%<", ">Add<", ">2.00<", "after 12 ms")
				if width < 1200 {
					_, shot = browseFrame(t, everyState(t), width, "", "--blink-settings=preferredColorScheme="+scheme.preference)
				}
				checkHostile(t, dom, shot)
				checkColours(t, shot, 150, scheme.background, green, amber, red, grey)
				checkFits(t, shot, scheme.background)
			})
		}
	}
}

// A long error is cut after four lines, and shown whole while it has the focus, which a
// key or a touch gives it.
func TestLongErrorInBrowser(t *testing.T) {
	if !needsBrowser(t) {
		return
	}
	h := New()
	h.Watch(fixed{
		{Endpoint: "short", State: lbclient.Ejected, LastError: "connection refused"},
		{Endpoint: "long", State: lbclient.Ejected, LastError: strings.Repeat("connection refused ", 100)},
	})
	dom, _ := browseFrame(t, h, 390, `
		const errors = frames[0].document.querySelectorAll(".error"), before = errors[1].clientHeight;
		errors[1].focus();
		document.title = [errors[0].tabIndex, errors[1].tabIndex, before < errors[1].clientHeight, errors[1].clientHeight >= errors[1].scrollHeight].join(" ");`)
	contains(t, dom, "<title>-1 0 true true</title>")
}
