// Package unixfs imports uploaded files into UnixFS like the adder of
// ipfs-cluster v1.1.6: with the same blocks, CIDs and events, in the same order.
// The in-process test cluster stores uploads with it, and package client
// computes what a server must report for an upload. test/oracle compares it with
// boxo and go-car.
//
// [Import] reads an upload once, from the beginning to the end. It passes every
// finished block, and every event that the server would report, to a [Sink]; with
// [Params].HashOnly, only the events. For a file, it keeps in memory at most
// hashAhead+2 chunks, of which hashAhead are being hashed, and one path of partly
// filled nodes. A chunker that depends on the content reads up to 512 KiB ahead, in
// addition to at most one chunk. For a directory, Import keeps the entries, and for
// a CAR one block.
//
// A server's version determines when a directory becomes a HAMT. So the event of
// a directory has a [Directory], which accepts both forms.
//
// [OpenCAR] and [CheckCARHead] check whether an archive can be sent.
//
// [Resolve] and [Walk] read the trees that Import stores.
package unixfs
