package main

import (
	"math/rand/v2"
	"time"

	"github.com/pinfleet/pinfleet/lbclient"
)

const (
	usual = 167 * time.Millisecond // response time of a peer
	slow  = 2 * time.Second        // response time of a slow peer
)

var slowOne = &scenario{
	name:    "slow-one",
	about:   "11 peers at 167 ms, 1,000 calls/s; one takes 2 s from 15 s to 45 s",
	length:  time.Minute,
	peers:   11,
	retries: 2,
	special: only(5),
	event:   span{15 * time.Second, 45 * time.Second}, what: "slow",
	answer: func(r *rand.Rand, peer int, now time.Duration) answer {
		if peer == 5 && 15*time.Second <= now && now < 45*time.Second {
			return answer{after: around(r, slow)}
		}
		return answer{after: around(r, usual)}
	},
	drive: reads(1000),
	figures: []figure{{
		name: "within_1s", about: "calls answered within 1 s", unit: percent,
		of:  func(r, _ *record) float64 { return r.within(time.Second) },
		bar: &bar{least: 0.9995, holds: []string{"leastloaded"}},
	}},
}

var scale = &scenario{
	name:    "scale",
	about:   "100 peers, 1,000 calls/s; 10 of the peers take 2 s in place of 167 ms",
	length:  time.Minute,
	peers:   100,
	retries: 2,
	special: isSlow,
	what:    "slow",
	answer: func(r *rand.Rand, peer int, _ time.Duration) answer {
		if isSlow(peer) {
			return answer{after: around(r, slow)}
		}
		return answer{after: around(r, usual)}
	},
	drive: reads(1000),
	figures: []figure{{
		name: "p99_over_p50", about: "99th percentile over median", unit: factor,
		of: func(r, _ *record) float64 {
			return float64(r.percentile(0.99)) / float64(r.percentile(0.5))
		},
		bar: &bar{most: 3, holds: []string{"leastloaded"}},
	}},
}

// isSlow reports whether a peer is one of the slow tenth.
func isSlow(peer int) bool { return peer%10 == 3 }

var tail = &scenario{
	name:    "tail",
	about:   "9 peers at 167 ms, 200 calls/s; 1 % of the answers take 30 times as long; hedging",
	length:  5 * time.Minute,
	peers:   9,
	retries: 2,
	options: []lbclient.Option{lbclient.WithHedging()},
	control: []lbclient.Option{},
	special: only(-1),
	answer: func(r *rand.Rand, _ int, _ time.Duration) answer {
		after := around(r, usual)
		if r.IntN(100) == 0 {
			after *= 30
		}
		return answer{after: after}
	},
	drive: reads(200),
	figures: []figure{
		{
			name: "p999_ratio", about: "p99.9 with hedging over that without", unit: factor, without: []string{baseline},
			of: func(r, control *record) float64 {
				return float64(r.percentile(0.999)) / float64(control.percentile(0.999))
			},
			bar: &bar{most: 0.1, holds: ours},
		},
		{
			name: "extra", about: "requests beyond one for each call", unit: percent, without: []string{baseline},
			of: func(r, _ *record) float64 {
				return ratio(len(r.attempts), len(r.calls)) - 1
			},
			bar: &bar{most: 0.05, holds: ours},
		},
	},
}

// only returns a function that reports whether its argument is index.
func only(index int) func(int) bool {
	return func(peer int) bool { return peer == index }
}
