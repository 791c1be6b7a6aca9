// Package pyxistest runs the pyxis coordination service in the test's own
// process: a faithful server of its protocol, not a mock. One node or several
// share a tree and its sessions; one of them leads and serves, the others refuse
// and name it. Sessions, ephemeral nodes, one-shot watches, held pings, redirects
// and the texts of errors are those of the real server. It has no dependency on
// any client, so that any client can be tested against it.
//
//	c := pyxistest.New(t, pyxistest.Options{Nodes: 3})
//	addrs := c.Addrs() // host:port of each node
//
//	c.Node(0).Stop() // a crash: the listener and all connections are gone
//	c.MoveLeader(2)  // an orderly change; sessions go on, watches are lost
//	c.ExpireSession(sid)
//	remove := c.InjectAll(pyxistest.Fault{
//		Ops:    pyxistest.Write,
//		Times:  1,
//		Effect: pyxistest.CutAfter(), // applied, but nobody learns it
//	})
//
// # Time
//
// The service reads the time off time.Now and waits with timers, so it runs on
// the wall clock and in a [testing/synctest] bubble alike. Start it inside the
// bubble and with the [Memory] network there, because network connections keep a
// bubble's clock from advancing; [Cluster.DialContext] connects to it. Sessions
// end at ticks ([Options].Tick), which fall on full seconds with the default one.
//
// # Replication
//
// There is one tree for all nodes, not a copy for each: a follower is never
// behind. A leader without a majority goes on serving reads and leaves writes
// unanswered until it has one again. A leader that was isolated keeps the tree as
// it was when the others elected another, and loses its unanswered writes when it
// comes back. The state outlives the crash of every node.
//
// # Differences from a real server
//
// Of the nodes below /pyxis, cluster and session are filled; the others are there
// and empty. Small answers are not held back as Nagle's algorithm does. A connection
// is cut when more than 128 MiB of its answers lie unread. A leader serves at once,
// without waiting for a first commit; Node.Mute is how to make it wait.
package pyxistest
