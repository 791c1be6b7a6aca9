// Package discovery finds the endpoints of a cluster and follows their changes.
// lbclient.NewFromSource balances over the endpoints that a [Source] reports:
//
//	src := discovery.Combine(nil,
//		discovery.Static(seed),
//		&discovery.Registry{Client: pc, Path: "/clusters/main/peers"})
//	c, err := lbclient.NewFromSource(ctx, &strategy.RoundRobin{}, src, 2)
//
// # Sources
//
//   - [Static]: a fixed list.
//   - [DNS]: the A and AAAA records of names, and the records of /dnsaddr/ addresses.
//   - [SRV]: the SRV records of a service.
//   - [Cluster]: the peers that the cluster itself lists, each verified.
//   - [Registry]: the endpoints that processes announce in pyxis, see [Announce].
//   - [File]: a JSON list.
//   - [Combine]: the union of several sources.
//
// Package contrib/etcd has a source over etcd. A source of your own that reads
// announcements uses [Announced], and passes the suite of package test/sourcetest.
//
// # What a source does not do
//
// A source never reports an empty list: when it fails or finds no endpoint, the
// endpoints that it reported last remain in use. To remove an endpoint, leave at
// least one other in the source.
//
// A source does not check whether endpoints work. The load balancer does: it
// ejects endpoints that fail, and probes them. A source that keeps reporting a
// dead peer for a while therefore does no harm.
//
// The reported configurations must not be changed. A source reports the same
// pointer for an endpoint as long as its configuration stays the same.
package discovery
