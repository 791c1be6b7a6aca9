package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/pinfleet/pinfleet/lbclient"
)

var deadFirst = &scenario{
	name:    "dead-first",
	about:   "3 peers, the first swallows packets (dial timeout 2 s); 1,000 calls one after another",
	length:  time.Minute,
	peers:   3,
	retries: 2,
	inOrder: true,
	special: only(0),
	what:    "swallows packets",
	answer: func(r *rand.Rand, peer int, _ time.Duration) answer {
		if peer == 0 {
			return answer{mode: swallowing}
		}
		return answer{after: around(r, 50*time.Millisecond)}
	},
	drive: func(w *world) {
		for range 1000 {
			do := w.read(w.rand)
			w.call(func(ctx context.Context) error { return do(ctx) })
		}
	},
	figures: []figure{
		{
			name: "dial_timeouts", about: "time that calls lost to the dead peer, in dial timeouts",
			of: func(r, _ *record) float64 {
				var lost time.Duration
				for _, a := range r.attempts {
					if a.peer == 0 {
						lost += a.took
					}
				}
				return float64(lost) / float64(dialTimeout)
			},
			bar: &bar{most: 1, holds: ours},
		},
		failedCalls(ours...),
	},
}

var failFast = &scenario{
	name:    "fail-fast",
	about:   "5 peers at 167 ms, 1,000 calls/s; the first answers 503 in 1 ms, though its /health is fine",
	length:  30 * time.Second,
	peers:   5,
	retries: 2,
	special: only(0),
	what:    "503 at once",
	answer: func(r *rand.Rand, peer int, _ time.Duration) answer {
		if peer == 0 {
			return answer{mode: ipfsDown, after: time.Millisecond}
		}
		return answer{after: around(r, usual)}
	},
	drive: reads(1000),
	figures: []figure{
		{
			name: "share", about: "its share of the requests after 1 s", unit: percent,
			of: func(r, _ *record) float64 {
				return r.share(span{time.Second, time.Hour}, only(0))
			},
			bar: &bar{most: 0.01, below: true, holds: ours},
		},
		failedCalls(ours...),
	},
}

// outageTime is the time in which all peers fail.
var outageTime = span{0, time.Minute}

var outage = &scenario{
	name:    "outage",
	about:   "5 peers, 1,000 calls/s; all answer 503 for a minute",
	length:  80 * time.Second,
	peers:   5,
	retries: 2,
	special: func(int) bool { return true },
	event:   outageTime, what: "all answer 503",
	answer: func(r *rand.Rand, _ int, now time.Duration) answer {
		if outageTime.contains(now) {
			return answer{mode: unavailable, after: around(r, 20*time.Millisecond)}
		}
		return answer{after: around(r, usual)}
	},
	drive: reads(1000),
	figures: []figure{
		{
			name: "amplification", about: "requests sent for each call", unit: factor,
			of: func(r, _ *record) float64 {
				return ratio(begunIn(outageTime, r.attempts), callsIn(outageTime, r.calls))
			},
			bar: &bar{holds: ours, of: func(r *record) float64 {
				return 1.2 + 10*outageTime.to.Seconds()/float64(callsIn(outageTime, r.calls))
			}},
		},
		{
			name: "probes_per_s", about: "background probes a second", unit: factor, without: []string{baseline},
			of: func(r, _ *record) float64 {
				return float64(begunIn(outageTime, r.probes)) / outageTime.to.Seconds()
			},
		},
	},
}

// headerTimeout is the timeout of an attempt in the scenario hang.
const headerTimeout = 500 * time.Millisecond

var hang = &scenario{
	name:     "hang",
	about:    "3 peers at 167 ms, 200 calls/s; one accepts and never answers from 10 s to 50 s; attempt timeout 500 ms, deadline 5 s",
	length:   time.Minute,
	peers:    3,
	retries:  2,
	deadline: 5 * time.Second,
	options:  []lbclient.Option{lbclient.WithAttemptTimeout(headerTimeout)},
	special:  only(0),
	event:    span{10 * time.Second, 50 * time.Second}, what: "hangs",
	answer: func(r *rand.Rand, peer int, now time.Duration) answer {
		if peer == 0 && 10*time.Second <= now && now < 50*time.Second {
			return answer{mode: hanging}
		}
		return answer{after: around(r, usual)}
	},
	drive:   reads(200),
	figures: []figure{failedCalls(ours...)},
}
