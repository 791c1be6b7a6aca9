// Package unixfs imports uploaded files into UnixFS like the adder of
// ipfs-cluster v1.1.6: with the same blocks, CIDs and events, in the same order.
// The in-process test cluster uses it.
//
// [Import] streams an upload in one pass. Of a file, it keeps at most two chunks,
// eight more being hashed, and one path of partly filled nodes in memory; of a
// directory, its entries. It sends every finished block and every event that the
// server reports to a [Sink].
//
// [Resolve] and [Walk] read such trees.
package unixfs
