package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// visit returns a scenario in which a single goroutine makes calls. By default,
// its three peers answer at once.
func visit(drive func(w *world)) *scenario {
	return &scenario{
		name: "visit", length: time.Minute, peers: 3,
		answer:  answerAtOnce,
		prepare: func(w *world) { w.pins = newPinset(1) },
		drive:   drive,
	}
}

// TestSilence checks that a silent peer continues its work where it was, and
// that it answers no probe either.
func TestSilence(t *testing.T) {
	s := visit(func(w *world) {
		for _, c := range []struct{ at, work, want time.Duration }{
			{0, time.Second, time.Second},
			{9500 * time.Millisecond, time.Second, 11 * time.Second}, // half before, half after
			{20 * time.Second, time.Second, time.Second},
			{29 * time.Second, 2 * time.Second, 12 * time.Second},
			{45 * time.Second, 0, 0},
		} {
			time.Sleep(c.at - w.now())
			if got := w.stretch(0, c.work); got != c.want {
				t.Errorf("at %v, work of %v takes %v, want %v", c.at, c.work, got, c.want)
			}
			if got := w.stretch(1, c.work); got != c.work {
				t.Errorf("at %v, work of %v takes %v at a peer that is not silent", c.at, c.work, got)
			}
			if c.at == 29*time.Second {
				time.Sleep(2 * time.Second)
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				err := w.peers[0].Health(ctx)
				cancel()
				if err == nil || !w.record.probes[0].givenUp || w.record.probes[0].took != 5*time.Second {
					t.Errorf("the silent peer answered its probe: %v, %+v", err, w.record.probes)
				}
			}
		}
	})
	s.silent = func(peer int) []span {
		if peer != 0 {
			return nil
		}
		return []span{{10 * time.Second, 20 * time.Second}, {30 * time.Second, 40 * time.Second}}
	}
	simulate(t, s, 1, makerOf(baseline, nil))
}

// TestSlowestMember checks that a cluster-wide call takes as long as the slowest
// member, at most 15 s, and that other calls do not wait for members.
func TestSlowestMember(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *scenario)
		want   time.Duration
	}{
		{"all well", func(*scenario) {}, 0},
		{"a slow member", func(s *scenario) { s.answer = slowPeer(1, 3*time.Second) }, 3 * time.Second},
		{"a very slow member", func(s *scenario) { s.answer = slowPeer(1, time.Hour) }, memberLimit},
		{"a member that hangs", func(s *scenario) { s.silent, s.deaf = silentFirst(span{0, time.Hour}), true }, memberLimit},
		{"a silent API", func(s *scenario) { s.silent = silentFirst(span{0, time.Hour}) }, 0},
		{"a dead member", func(s *scenario) { s.down = silentFirst(span{0, time.Hour}) }, roundTrip},
	} {
		s := visit(func(w *world) {
			peer := w.peers[2]
			w.call(func(ctx context.Context) error {
				_, err := peer.Status(ctx, w.pins.list()[0], false)
				return err
			})
			w.call(func(ctx context.Context) error {
				members, err := peer.Peers(ctx)
				if len(members) != 3 {
					t.Errorf("%s: %d members", c.name, len(members))
				}
				return err
			})
			w.call(func(ctx context.Context) error {
				items := 0
				for _, err := range peer.StatusAll(ctx, api.TrackerStatusUndefined, false) {
					if err != nil {
						return err
					}
					items++
				}
				if items != 1 {
					t.Errorf("%s: %d items", c.name, items)
				}
				return nil
			})
			w.call(func(ctx context.Context) error {
				_, err := peer.Allocation(ctx, w.pins.list()[0])
				return err
			})
		})
		c.change(s)
		r := simulate(t, s, 1, makerOf(baseline, nil))
		for i, call := range r.calls {
			want := c.want
			if i == 3 {
				want = 0
			}
			if call.failed || call.took != want {
				t.Errorf("%s: call %d took %v, want %v, error %v", c.name, i, call.took, want, r.sample)
			}
		}
	}
}

// TestMistakes checks that peers refuse each kind of mistake, that good pins are
// not refused, and that a mistake without its answer counts as failed.
func TestMistakes(t *testing.T) {
	s := visit(func(w *world) {
		m := &mixed{world: w}
		for range 100 {
			w.call(m.mistake(w.rand))
		}
		w.call(m.pin(makeCid("new", 1)))
	})
	s.prepare = func(w *world) { w.pins = newPinset(fewPins) }
	r := simulate(t, s, 1, makerOf(baseline, nil))
	if r.failed() != 0 || len(r.calls) != 101 {
		t.Errorf("%d of %d failed: %v", r.failed(), len(r.calls), r.sample)
	}
	refused := 0
	for _, a := range r.attempts {
		if a.failed {
			refused++
		}
	}
	if refused != 100 {
		t.Errorf("%d of 100 mistakes were refused", refused)
	}
	s.down = func(int) []span { return []span{{0, time.Hour}} }
	if r := simulate(t, s, 1, makerOf(baseline, nil)); r.failed() != 101 {
		t.Errorf("%d of 101 calls failed, though all peers were dead", r.failed())
	}
}

// TestBursts checks that every burst has bad peers and good ones, and that its
// bad peers do fail.
func TestBursts(t *testing.T) {
	bad := 0
	for _, b := range bursts {
		for peer := b.from; peer < b.to; peer++ {
			if isBad(peer) != (peer < b.from+b.bad) {
				t.Errorf("burst of %d calls: peer %d", b.calls, peer)
			}
			if isBad(peer) {
				bad++
			}
		}
	}
	if bad != 7 || lastBurst.to != coldBurst.peers {
		t.Errorf("%d bad peers, %d peers", bad, coldBurst.peers)
	}
	r := simulate(t, coldBurst, 1, makerOf(baseline, nil))
	if len(r.calls) != 1700 {
		t.Errorf("%d calls, want 1700", len(r.calls))
	}
	for _, a := range r.attempts {
		want := roundTrip
		if a.peer >= lastBurst.from {
			want = headerWait
		}
		if a.failed != isBad(a.peer) || a.failed && a.took != want {
			t.Fatalf("attempt %+v", a)
		}
	}
}

// TestSentAfter checks that attempts count from the first ejection or, if there
// was none in time, from the time when the silence should have been noticed.
func TestSentAfter(t *testing.T) {
	at := func(seconds float64) time.Duration {
		return silence.from + time.Duration(seconds*float64(time.Second))
	}
	r := &record{}
	for _, seconds := range []float64{-1, 1, 7, 7.5, 7.9, 9, 59, 61} {
		r.attempts = append(r.attempts, attempt{peer: 0, begun: at(seconds)}, attempt{peer: 1, begun: at(seconds)})
	}
	for _, c := range []struct {
		ejections []time.Duration
		want      int
	}{
		{nil, 2},
		{[]time.Duration{at(7.5)}, 3},
		{[]time.Duration{at(-5), at(7), at(8)}, 4}, // the first one is not because of the silence
		{[]time.Duration{at(30)}, 2},
	} {
		r.ejections = nil
		for _, at := range c.ejections {
			r.ejections = append(r.ejections, ejection{at: at, peer: peerName(0)})
		}
		if got := sentAfter(r); got != c.want {
			t.Errorf("ejections at %v: %d, want %d", c.ejections, got, c.want)
		}
	}
}

// TestGivenUp checks that an attempt that its client abandons is not counted like one
// that failed.
func TestGivenUp(t *testing.T) {
	s := visit(func(w *world) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := w.peers[0].Allocation(ctx, makeCid("pinned", 0))
		w.called(0, err)
		_, err = w.peers[1].Allocation(context.Background(), makeCid("pinned", 0))
		w.called(0, err)
	})
	s.extra = func(peer int, op client.Op) time.Duration {
		if peer == 0 && op == client.OpAllocation {
			return time.Minute
		}
		return 0
	}
	s.down = func(peer int) []span {
		if peer == 1 {
			return []span{{0, time.Hour}}
		}
		return nil
	}
	r := simulate(t, s, 1, makerOf(baseline, nil))
	if got := fmt.Sprint(r.attempts[0].givenUp, r.attempts[1].givenUp); got != "true false" || r.failed() != 2 {
		t.Errorf("given up: %s, %d failed", got, r.failed())
	}
}

func answerAtOnce(*rand.Rand, int, time.Duration) answer { return answer{} }

// slowPeer returns the answer field of a scenario: one peer takes a time, the
// others answer at once.
func slowPeer(index int, after time.Duration) func(*rand.Rand, int, time.Duration) answer {
	return func(_ *rand.Rand, peer int, _ time.Duration) answer {
		if peer == index {
			return answer{after: after}
		}
		return answer{}
	}
}
