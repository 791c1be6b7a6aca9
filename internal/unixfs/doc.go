// Package unixfs imports uploaded files into UnixFS like the adder of
// ipfs-cluster v1.1.6: with the same blocks, CIDs and events, in the same order.
// The in-process test cluster uses it.
//
// [Import] streams an upload in one pass. For a file, it keeps in memory at
// most two chunks, eight more that are being hashed, and one path of partly
// filled nodes; for a directory, it keeps the entries. It sends every finished
// block and every event that the server reports to a [Sink].
//
// [Resolve] and [Walk] read the trees that Import stores.
package unixfs
