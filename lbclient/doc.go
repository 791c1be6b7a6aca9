// Package lbclient spreads the calls of a [client.Client] over many peers.
//
// [NewFromConfigs] makes a load balancer from configurations, [New] from ready
// clients, which may be load balancers themselves: failover between two
// regions, each a round robin, is a New over two NewFromConfigs. [NewFromSource]
// follows a source of endpoints, and [Client.SetConfigs] changes them by hand.
//
// Each call is one or more attempts, each at one endpoint. The strategy picks
// the endpoint; the operation's replay class and the way in which an attempt
// failed decide whether there is another one, and the retry budget whether it
// can be afforded ([WithRetryBudget]). An attempt that hangs is abandoned
// ([WithAttemptTimeout]), one that is slow is raced ([WithHedging]). What a
// consumer receives is delivered exactly once, also if a listing or an add
// breaks in the middle and goes on at another peer.
//
// # Health
//
// An endpoint that cannot be dialled is ejected at once; another one after 5
// failures in a row, or when less than 80 % of at least 5 attempts within 10 s
// succeeded. It is left alone for 1 s, then for twice as long each time up to a
// minute, give or take half of it, and then asked GET /health in the
// background. When it answers, one short call is sent to it on trial, which
// must succeed. Only then the strategy hears of it again, and its weight grows
// over 10 s. Ejections start from 1 s again after a minute without one. If all
// are ejected, the one whose ejection ends first is asked: there is always
// somebody to ask.
//
// # What operators see
//
// [Client.Endpoints] returns the state and the figures of each endpoint,
// [WithHooks] tells of each event, [WithLogger] logs what is worth it. Failures
// are [*client.Error] or, with all that was tried, [*AttemptsError].
package lbclient
