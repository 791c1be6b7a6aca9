// Package client talks to one peer of an IPFS Cluster over its REST API.
//
// [Client] is the interface that programs are written against;
// [NewDefaultClient] makes one for a single peer, and package lbclient makes
// one that spreads its calls over many. [WaitFor] waits until a pin has
// reached a status.
//
// Listings are iterators, adds report over a channel, failures are [*Error].
package client
