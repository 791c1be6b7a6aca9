// Package unixfs imports uploaded files into UnixFS the way the adder of
// ipfs-cluster v1.1.6 does: same blocks, same CIDs, same events in the same
// order. The in-process test cluster is built on it.
//
// [Import] walks an upload once and streams it: of a file, no more than two
// chunks, eight that are being hashed meanwhile, and one path of half-filled
// nodes are in memory at a time; of a directory, its entries. Every finished block goes to a [Sink], together with
// the events that the server reports.
//
// [Resolve] and [Walk] read such trees back.
package unixfs
