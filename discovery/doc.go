// Package discovery tells where a cluster's endpoints are, and goes on telling
// as that changes. A [Source] is what lbclient.NewFromSource follows:
//
//	src := discovery.Combine(nil,
//		discovery.Static(seed),
//		&discovery.Registry{Client: pc, Path: "/clusters/main/peers"})
//	c, err := lbclient.NewFromSource(ctx, &strategy.RoundRobin{}, src, 2)
//
// # Sources
//
//   - [Static]: a list that does not change.
//   - [DNS]: the addresses of names, and the records of /dnsaddr/ addresses.
//   - [SRV]: the SRV records of a service.
//   - [Cluster]: the peers that the cluster itself lists, each verified.
//   - [Registry]: what processes have announced in pyxis, see [Announce].
//   - [File]: a JSON list.
//   - [Combine]: the union of several.
//
// # What a source does not do
//
// A source that fails, or finds nothing, says nothing: what it told last stays.
// Whoever wants an endpoint gone has to leave another one. Whether an endpoint
// works is not a source's business either, but the load balancer's, which
// ejects and probes it; a source that is slow to forget a dead peer does no
// harm.
//
// Sources hand out configurations that must not be changed. As long as an
// endpoint does not change, it is the same pointer.
package discovery
