package main

import "time"

// flapEvery is the length of each period in which the flapping peer is up or down.
const flapEvery = 3 * time.Second

var flap = &scenario{
	name:    "flap",
	about:   "3 peers at 50 ms, 100 calls/s; the first goes up and down every 3 s",
	length:  10 * time.Minute,
	peers:   3,
	retries: 2,
	special: only(0),
	what:    "up and down every 3 s",
	answer:  around50,
	down: func(peer int) []span {
		if peer != 0 {
			return nil
		}
		return flaps
	},
	drive: reads(100),
	figures: []figure{
		failedCalls(ours...),
		{
			name: "ejections_per_min", about: "ejections a minute after the first minute", unit: factor, without: []string{baseline},
			of: func(r, _ *record) float64 {
				n := 0
				for _, e := range r.ejections {
					if e.at >= time.Minute {
						n++
					}
				}
				return float64(n) / 9
			},
			bar: &bar{most: 4, holds: ours},
		},
	},
}

var flaps = func() []span {
	var down []span
	for at := flapEvery; at < 11*time.Minute; at += 2 * flapEvery {
		down = append(down, span{at, at + flapEvery})
	}
	return down
}()

const (
	diesAt      = 20 * time.Second
	returnsAt   = 80 * time.Second
	recoverySim = 3 * time.Minute // long enough for the longest ejection
)

var recovery = &scenario{
	name:    "recover",
	about:   "3 peers at 50 ms, 300 calls/s; the first is dead from 20 s to 80 s",
	length:  recoverySim,
	peers:   3,
	retries: 2,
	special: only(0),
	event:   span{diesAt, returnsAt}, what: "dead",
	answer: around50,
	down: func(peer int) []span {
		if peer != 0 {
			return nil
		}
		return []span{{diesAt, returnsAt}}
	},
	drive: reads(300),
	figures: []figure{
		{
			name: "recovery_s", about: "from its return until it carries its share again", unit: seconds,
			of: func(r, _ *record) float64 { return recoveryTime(r).Seconds() },
			bar: &bar{holds: ours, of: func(r *record) float64 {
				return 1.5*ejectionDelay(r).Seconds() + 10
			}},
		},
		{
			name: "ejection_delay_s", about: "how long it was ejected for when it came back, jitter aside", unit: seconds, without: []string{baseline},
			of: func(r, _ *record) float64 { return ejectionDelay(r).Seconds() },
		},
		failedCalls(ours...),
	},
}

// recoveryTime returns the time from the return of the first peer to the first
// interval of 2 s in which its share of the traffic is at least 90 % of what it
// was before the peer died.
func recoveryTime(r *record) time.Duration {
	const window = 2 * time.Second
	fair := r.share(span{0, diesAt}, only(0))
	for at := returnsAt; at < recoverySim-window; at += 250 * time.Millisecond {
		if r.share(span{at, at + window}, only(0)) >= 0.9*fair {
			return at - returnsAt
		}
	}
	return recoverySim - returnsAt
}

// ejectionDelay returns the time for which the peer was ejected last before it
// returned, without jitter. The first ejection takes 1 s. Each further ejection
// and each failed probe doubles the time, up to a minute.
func ejectionDelay(r *record) time.Duration {
	times := 0
	for _, e := range r.ejections {
		if e.at < returnsAt {
			times++
		}
	}
	return min(time.Second<<max(0, times+begunIn(span{diesAt, returnsAt}, r.probes)-1), time.Minute)
}

// returning is the number of peers in the scenario return.
const returning = 5

// outageOfAll is the time in which all peers are out, and afterwards the time in
// which their load is compared.
var (
	outageOfAll = span{10 * time.Second, 40 * time.Second}
	afterwards  = span{outageOfAll.to, outageOfAll.to + 5*time.Second}
)

var comeback = &scenario{
	name:    "return",
	about:   "5 peers at 50 ms, 300 calls/s; all are dead from 10 s to 40 s",
	length:  time.Minute,
	peers:   returning,
	retries: 2,
	special: func(int) bool { return true },
	event:   outageOfAll, what: "all dead",
	answer: around50,
	down:   func(int) []span { return []span{outageOfAll} },
	drive:  reads(300),
	figures: []figure{{
		name: "max_share_ratio", about: "largest share of one peer in the 5 s after the outage, over the fair one", unit: factor,
		// Failover sends all calls to one peer even if all peers are well.
		without: []string{"failover"},
		of: func(r, _ *record) float64 {
			most := 0.0
			for peer := range returning {
				most = max(most, r.share(afterwards, only(peer)))
			}
			return returning * most
		},
		bar: &bar{most: 1.5, holds: spreading},
	}},
}
