// Package pyxistest runs the pyxis coordination service inside a test process.
// It is a faithful server of the pyxis protocol, not a mock. One or several
// nodes share a tree and its sessions. One node leads and serves; the others
// refuse requests and name the leader. Sessions, ephemeral nodes, one-shot
// watches, held pings, redirects and error texts are those of the real server.
// The package depends on no client, so it can test any client.
//
//	c := pyxistest.New(t, pyxistest.Options{Nodes: 3})
//	addrs := c.Addrs() // host:port of each node
//
//	c.Node(0).Stop() // crash: closes the listener, cuts all connections
//	c.MoveLeader(2)  // orderly change: sessions continue, watches are lost
//	c.ExpireSession(sid)
//	remove := c.InjectAll(pyxistest.Fault{
//		Ops:    pyxistest.Write,
//		Times:  1,
//		Effect: pyxistest.CutAfter(), // applied, but not answered
//	})
//
// # Time
//
// The service uses time.Now and timers, so it runs on the wall clock and in a
// [testing/synctest] bubble. For a bubble, start the service inside the bubble
// and with the [Memory] network, because network connections keep the bubble's
// clock from advancing. [Cluster.DialContext] connects to the service. Sessions
// end at ticks ([Options].Tick). With the default, ticks are on full seconds.
//
// # Replication
//
// All nodes share one tree, so a follower is never behind. A leader without a
// majority continues to serve reads, and answers writes only when it has a
// majority again. An isolated leader keeps the tree as it was when another
// leader was elected, and loses its unanswered writes when it rejoins. The state
// outlives a crash of all nodes.
//
// # Differences from a real server
//
//   - Of the nodes below /pyxis, only cluster and session have content. The others are
//     empty.
//   - Small answers are delayed by Nagle's algorithm only with Options.Nagle.
//   - A real server ends the process when a session ends that created an ephemeral
//     node, and, after another client had deleted it, a persistent node at the same
//     path that has children. Here, that node stays.
//   - A connection is cut when it has more than 128 MiB of unread answers.
//   - A leader serves at once, without waiting for a first commit. To make it wait, use
//     Node.Mute.
package pyxistest
