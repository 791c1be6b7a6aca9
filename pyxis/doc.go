// Package pyxis is a client of the pyxis coordination service: a small tree of
// nodes, kept by a few servers that elect a leader, in which processes announce
// themselves, hold locks and watch each other.
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
// Calls wait for a connection, within the context of WithContext and
// Options.CallTimeout. They fail with a *Error, which carries what the server
// said and wraps one of the sentinels. A call that was in flight when the
// connection ended fails with ErrConnectionLost and ErrOutcomeUnknown: it may
// have been carried out, or be carried out later, and only reading tells. The
// client sends a request again only if it certainly was not carried out: it did
// not leave, or the server answered that it is not the leader.
//
// # The session and its doubts
//
// The server ends a session that it has not heard of for its timeout. The
// client proves that it is alive five times in that time. It gives up a silent
// connection after two to three fifths of it and looks for the leader with the
// rest. When the timeout has passed without an answer, less what the server
// may have rounded off, the session may be over though nobody could tell the
// client: watch.Suspended is delivered, and Client.Session has told the time in
// advance. A holder of a lock must not go past it. Then one of two things
// becomes known: watch.Connected, the session has survived, or
// watch.SessionExpired, always before the Connected of the next session.
//
// # Watching
//
// Read takes a Watcher that fires once. Client.Watch is an iterator over all
// changes of a node or a subtree, with nothing missed over reconnects, new
// sessions and leaders.
package pyxis
