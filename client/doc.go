// Package client talks to one peer of an IPFS Cluster over its REST API.
//
// [Client] is the interface that programs are written against;
// [NewDefaultClient] makes one for a single peer, and package lbclient makes
// one that spreads its calls over many. [WaitFor] waits until a pin has
// reached a status.
//
// Listings are iterators, adds report over a channel, failures are [*Error].
//
// # Contexts
//
// Every call ends with its context, wherever it is: dialling, waiting for the
// answer, reading it, uploading, or delivering to a channel that nobody reads.
// Nothing else bounds how long a call takes, unless the Config does:
// an upload or a listing may well take hours.
//
// # Completeness
//
// A listing or an add that ended without an error was complete. Whatever was
// cut, or came without the trailer that was announced, in which a server reports
// late errors, is [ErrIncomplete]; Config.AllowUnverifiedStreams accepts the
// latter for the sake of proxies that strip trailers. Where the announcement is
// stripped as well, nothing is left to verify with, and the Logger is told.
package client
