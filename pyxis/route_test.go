package pyxis

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestRouteTriesAddressesInTurn(t *testing.T) {
	r := newRoute([]string{"a:1", "b:1", "c:1"})
	var tried []string
	for range 6 {
		addr := r.next()
		tried = append(tried, addr)
		r.ended(addr, false, errors.New("refused"))
	}
	if !slices.Equal(tried[:3], tried[3:]) {
		t.Errorf("tried %v", tried)
	}
	if slices.Sort(tried); !slices.Equal(tried, []string{"a:1", "a:1", "b:1", "b:1", "c:1", "c:1"}) {
		t.Errorf("tried %v", tried)
	}
}

func TestRouteFollowsRedirects(t *testing.T) {
	r := newRoute([]string{"a:1"})
	at := r.next()
	for i, hint := range []string{"b:1", "c:1", "d:1", "e:1"} {
		r.ended(at, false, &redirect{to: hint})
		if p := r.pause(time.Minute); p > 10*time.Millisecond<<(i+1) {
			t.Errorf("%v before redirect %d", p, i)
		}
		if at = r.next(); at != hint {
			t.Errorf("went to %s, redirected to %s", at, hint)
		}
	}
	r.ended(at, false, &redirect{to: "f:1"})
	if at = r.next(); at != "a:1" {
		t.Errorf("went to %s after %d redirects", at, maxHops)
	}
	// The count of redirects starts over with the list.
	r.ended(at, false, &redirect{to: "b:1"})
	if at = r.next(); at != "b:1" {
		t.Errorf("went to %s", at)
	}
	for _, hint := range []string{"", "b:1", "nonsense", "1:2:3"} {
		r.ended("b:1", false, &redirect{to: hint})
		if at = r.next(); at != "a:1" {
			t.Errorf("redirect to %q led to %s", hint, at)
		}
	}
}

func TestRouteGoesBackToAGoodAddress(t *testing.T) {
	r := newRoute([]string{"a:1", "b:1"})
	for range 20 {
		r.ended(r.next(), false, errors.New("refused"))
	}
	if p := r.pause(time.Second); p < 500*time.Millisecond {
		t.Errorf("pause %v after 20 failures", p)
	}
	r.ended("x:1", true, errors.New("reset"))
	if p := r.pause(time.Second); p > 10*time.Millisecond {
		t.Errorf("pause %v after a good connection", p)
	}
	if at := r.next(); at != "x:1" {
		t.Errorf("went to %s", at)
	}
	r.ended("x:1", true, &redirect{to: "y:1"}) // the former leader names the next one
	if at := r.next(); at != "y:1" {
		t.Errorf("went to %s", at)
	}
}

func TestBackoffIsJittered(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: 10 * time.Millisecond, 3: 80 * time.Millisecond, 9: time.Second, 1000: time.Second} {
		const n = 4000
		var buckets [8]int
		for range n {
			d := backoff(failures, time.Second)
			if d < want/2 || d > want {
				t.Fatalf("%d failures: %v, want %v to %v", failures, d, want/2, want)
			}
			buckets[min(int((d-want/2)*8/(want/2)), 7)]++
		}
		chi := 0.0
		for _, have := range buckets {
			diff := float64(have) - n/8
			chi += diff * diff / (n / 8)
		}
		if chi > 35 { // 7 degrees of freedom: once in 100,000 runs
			t.Errorf("%d failures: uneven %v", failures, buckets)
		}
	}
}

// E10: the address of the leader came raw from a server into errors and logs.
func TestRedirectIsPrintable(t *testing.T) {
	for addr, want := range map[string]string{
		"10.0.0.1:7001": "10.0.0.1:7001", "": "", "\x1b[2J:7001": "", "a\nlevel=error:1": "", "\xff:1": "", strings.Repeat("a", 5000) + ":1": "",
	} {
		r := redirectTo(addr)
		if r.to != want || strings.ContainsFunc(r.Error(), unicode.IsControl) {
			t.Errorf("%.20q: %q, error %q", addr, r.to, r)
		}
	}
}
