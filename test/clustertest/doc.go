// Package clustertest runs an IPFS Cluster inside a test process. It is a
// faithful server of the REST API of ipfs-cluster v1.1.6, not a mock. Several
// peers share one pinset and one block store. Each peer serves every route with
// the status codes, headers, framing, streaming, trailers, redirects, limits
// and error texts of the real daemon, and builds the same DAGs from added
// files. The package depends on no client, so it can test any client.
//
//	c := clustertest.New(t, clustertest.Options{Peers: 3})
//	addr := c.Peer(0).Addr() // /ip4/127.0.0.1/tcp/…
//
//	c.Peer(0).Stop()     // crash: closes listeners, cuts connections
//	c.Peer(1).StopIPFS() // the API runs, its IPFS daemon does not
//	remove := c.Peer(2).Inject(clustertest.Fault{
//		Route:  "GET /pins",
//		Times:  1,
//		Effect: clustertest.CutAfterItems(3),
//	})
//
// # Time
//
// The cluster's state needs no timers. It is computed from [Options].Now when a
// request reads it: a pin is queued, pinning or pinned depending on the time
// since it was submitted, a metric is valid depending on the time since its
// last renewal, and so on. Hence the cluster behaves the same on the wall clock
// and in a [testing/synctest] bubble, and [Cluster.Advance] replaces waiting.
// In a bubble, listen on [Memory], because network connections keep the
// bubble's clock from advancing.
//
// # Differences from a real cluster
//
//   - Content that is pinned by CID is not fetched. After [Options].QueueDelay and
//     PinDelay, the pin counts as pinned, whether or not its blocks were ever added.
//   - The peers announce the usual ports for the cluster's protocol and for their IPFS
//     daemons, but nothing listens there, except the REST API over libp2p.
//   - The nocopy parameter of adds has no effect.
//   - Garbage collection removes the blocks that belong to no pin of the peer. A real
//     daemon removes a few more blocks.
//
// # Quirks
//
// The numbers Q1 to Q9 in this documentation are those of the daemon's quirks in
// docs/upstream-faults.md.
package clustertest
