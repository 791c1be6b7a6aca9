// Package client talks to one peer of an IPFS Cluster over its REST API.
//
// Programs use the interface [Client]. [NewDefaultClient] returns the Client of
// a single peer. Package lbclient has a Client that balances its calls over many
// peers. [WaitFor] waits until a pin has reached a status.
//
// Listings are iterators, adds report over a channel, and failures are [*Error].
//
// # Contexts
//
// Every call ends when its context ends, in all its phases: dialling, waiting
// for the response, reading it, uploading, and sending to a channel that the
// caller does not receive from. Without timeouts in the Config, nothing else
// limits a call, because an upload or a listing may take hours.
//
// # Completeness
//
// A listing or an add that ends without an error is complete. A response that
// was cut fails with [ErrIncomplete]. So does a stream that cannot be verified:
// its end is the end of the connection, or it is a listing without the announced
// trailer, in which servers report late errors. Config.AllowUnverifiedStreams
// accepts such streams, for proxies that remove trailers. If a proxy removes the
// announcement too, late errors cannot be detected, and the client logs a
// warning once.
package client
