// Package recipe builds on the ephemeral nodes of pyxis: an [Announcement] keeps
// one present, a [Lock] is one that only a single client can have, and [Elect]
// runs something in whoever has the lock.
//
// All of them rest on the session: an ephemeral node goes when its client is
// silent for the session's timeout, and the client knows that time (see the
// package pyxis). So a crashed process is forgotten by itself, and a process
// that is merely cut off knows when it has to consider itself forgotten.
package recipe
