// Package recipe builds on the ephemeral nodes of pyxis. An [Announcement] keeps a
// node present, a [Lock] is a node that only one client can create, and [Elect]
// runs a function in the process that holds the lock.
//
// All of them depend on the session. The server deletes ephemeral nodes after the
// client has been silent for the session timeout, and the client knows when that
// may be (see package pyxis). So the node of a crashed process disappears by
// itself, and a process that is merely cut off knows when its node may be gone.
package recipe
