// Package clustertest runs an IPFS Cluster in the test's own process: a faithful
// server of the REST API of ipfs-cluster v1.1.6, not a mock. Several peers share
// one pinset and one block store; each serves every route with the status codes,
// headers, framing, streaming, trailers, redirects, limits and error texts of the
// real daemon, and adds build the same DAGs. It has no dependency on any client,
// so that any client can be tested against it.
//
//	c := clustertest.New(t, clustertest.Options{Peers: 3})
//	addr := c.Peer(0).Addr() // /ip4/127.0.0.1/tcp/…
//
//	c.Peer(0).Stop()                       // a crash: listeners and connections are gone
//	c.Peer(1).StopIPFS()                   // the API runs, its IPFS daemon does not
//	remove := c.Peer(2).Inject(clustertest.Fault{
//		Route:  "GET /pins",
//		Times:  1,
//		Effect: clustertest.CutAfterItems(3),
//	})
//
// # Time
//
// The cluster has no timers. A pin is queued, pinning or pinned according to how
// long ago it was submitted, a metric is valid according to the time of its last
// renewal, and so on; all of that is read off [Options].Now when it is asked for. So
// it behaves the same on the wall clock and in a [testing/synctest] bubble (serve on
// [Memory] there, because network connections keep a bubble's clock from
// advancing), and [Cluster.Advance] can skip waiting.
//
// # Differences from a real cluster
//
// Content that is pinned by CID is not fetched from anywhere: after its delays the
// pin counts as pinned, whether or not its blocks were ever added. The addresses
// that the peers announce for the cluster's own protocol and for their IPFS
// daemons have the usual ports and nothing listens there, but for the REST API
// over libp2p. The nocopy parameter of adds has no effect. Garbage is found among
// the blocks of failed and unpinned adds; a real daemon has a little more.
package clustertest
