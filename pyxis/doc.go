// Package pyxis is a client of the pyxis coordination service. The service
// keeps a small tree of nodes on a few servers that elect a leader. Processes
// use the tree to announce themselves, hold locks and watch each other.
//
// A Client finds the leader, keeps one session alive there, and reconnects by
// itself. Ephemeral nodes belong to the session and are deleted with it.
//
//	c := pyxis.NewClient([]string{"127.0.0.1:7001", "127.0.0.1:7002"}, nil)
//	defer c.Close()
//	err := c.Create(&pyxis.WriteOption{IsEphemeral: true}, "/workers/w1", []byte("10.0.0.1:80"))
//
// # Waiting and failing
//
// Calls wait for a connection until the context passed to WithContext is done,
// or for Options.CallTimeout if that context has no deadline. They fail with a
// *Error, which holds the server's error code and text and wraps one of the
// sentinels. A Read whose connection or session ends is repeated in the next one.
// A call that changes something and was in flight when the connection ended fails
// with ErrConnectionLost and ErrOutcomeUnknown: the server may have executed it,
// or may still do so. Read the node to find out. The client repeats such a call
// only if the server certainly did not execute it: the request was not sent, or
// the server answered that it is not the leader.
//
// # Whether the session is alive
//
// The server ends a session when it has received nothing from the client for
// the session timeout. The client sends a request every fifth of the session
// timeout, but at least every ten seconds. It gives up on a connection when an
// answer has been missing for two to three of these intervals, and uses the
// remaining time to find the leader. When the timeout, less the server's
// rounding, has passed without an answer, the session may have ended without
// the client's knowledge, and the client delivers watch.Suspended.
// Client.Session returns in advance the time at which this will happen. The
// holder of a lock must stop by then: a context of Client.SessionContext ends at
// that time. Later one of two events follows:
// watch.Connected if the session has survived, or watch.SessionExpired, which
// always precedes the Connected of the next session.
//
// # Watching
//
// Client.Watch is the recommended way. It is an iterator over all changes of a
// node or a subtree, and misses nothing across reconnects, new sessions and new
// leaders. After its first look, a change costs it a read of the node that changed.
//
// Read takes a Watcher that receives one event, for those who know the older
// client. A watcher that may miss an event it asks for, as after a lost
// connection, receives watch.Resync instead; then read again. See Watcher.
package pyxis
