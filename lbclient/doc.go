// Package lbclient provides a [client.Client] that balances its calls over several
// peers.
//
// [NewFromConfigs] creates a load balancer from configurations, [New] from existing
// clients, and [NewFromSource] from a source of configurations, whose updates it
// follows. [Client.SetConfigs] replaces the endpoints of a running load balancer.
// Load balancers nest: to fail over between two regions, pass one load balancer for
// each region to New.
//
// # Calls and attempts
//
// Each call is one or more attempts, and each attempt goes to one endpoint, which
// the strategy picks. Three things decide whether a failed attempt is followed by
// another: the replay class of the operation together with the kind of failure, the
// number of retries, and the retry budget ([WithRetryBudget]). An attempt that gets
// no answer can be abandoned ([WithAttemptTimeout]); a slow one can be hedged
// ([WithHedging]). A consumer receives each item of a listing and each output of an
// add exactly once, even if the call fails at one peer and continues at another.
//
// # Health
//
// An endpoint is ejected at once if it cannot be dialled. Otherwise it is ejected
// after 5 consecutive failures, or when less than 80 % of at least 5 attempts within
// 10 s succeeded ([WithHealth] sets these limits). An ejected endpoint receives no
// calls.
//
// The first ejection lasts 1 s, each further one twice as long, up to a minute; every
// duration is randomised by ±50 %. Once the endpoint has been admitted for a minute, the
// next ejection lasts 1 s again.
//
// When the ejection ends, the load balancer sends GET /health in the background. An
// endpoint that does not respond stays ejected for the next, longer duration. One that
// responds becomes eligible and receives one call as a trial: at first a read or a
// write, and after one second also a listing or an add. If the trial succeeds, the
// endpoint is readmitted: the strategy may pick it again, and its weight grows to its
// full value over 10 s.
//
// An endpoint that hangs is noticed without a timeout. While nothing has arrived from it
// for 3 s, it is asked GET /health on a new connection, twice. If it answers neither, it is
// ejected, and the attempts that wait there end with a [*SilentError] and are retried at
// other endpoints. If it answers, the calls go on waiting. See [WithLivenessProbe].
//
// While no endpoint is admitted, the calls take turns over all endpoints. The first sign of
// life after such an outage has the other endpoints probed at once. A retry prefers endpoints
// that the call has not tried.
//
// # Panics
//
// A panic of users' code (a strategy, a hook, a RoundTripper, a TokenFunc, a logger and
// the like) reaches the caller of the method that ran the code. If the code ran on
// another goroutine, the recovered value is an error whose text has the stack of that
// goroutine. Once the caller has recovered, the load balancer can be used again. Probes
// and sources have no caller: their panics are logged at level Error, and count as
// failures of the probe or the source.
//
// # Observability
//
// [Client.Endpoints] returns the state and the statistics of each endpoint,
// [WithHooks] reports events to the program, and [WithLogger] logs them. Calls fail
// with a [*client.Error], or with an [*AttemptsError] that lists all attempts.
package lbclient
