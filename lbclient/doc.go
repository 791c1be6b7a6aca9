// Package lbclient spreads the calls of a [client.Client] over many peers.
//
// [NewLBClient] makes a load balancer from configurations, [New] from ready
// clients, which may be load balancers themselves: failover between two
// regions, each a round robin, is a New over two NewLBClient.
//
// Each call is one or more attempts, each at one endpoint. The strategy picks
// the endpoint; the operation's replay class and the way in which an attempt
// failed decide whether there is another one. What a consumer receives is
// delivered exactly once, also if a listing or an add breaks in the middle and
// goes on at another peer. Endpoints that fail are ejected and come back by
// serving a call well. Failures are [*client.Error] or, with all that was
// tried, [*AttemptsError].
package lbclient
