// Package client talks to one peer of an IPFS Cluster over its REST API.
//
// Programs use the interface [Client]. [NewDefaultClient] returns the Client of
// a single peer. Package lbclient has a Client that balances its calls over many
// peers. [WaitFor] waits until a pin has reached a status.
//
// A listing is an iterator, an add sends its reports to a channel, and the error
// of a failed call is or wraps an [*Error]. [AddPaths], [AddReader], [AddBytes] and
// [AddFS] add in one line with any Client, and [WithProgress] reports how far an
// add has come.
//
// # Contexts
//
// Every call ends when its context ends, in all its phases: dialling, waiting
// for the response, reading it, uploading, and sending to a channel that the
// caller does not receive from. Without timeouts in the Config, nothing else
// limits a call, because an upload or a listing may take hours.
//
// # Hostile and broken peers
//
// What a peer sends is not trusted. Every wait on a connection ends with the
// call's context, whatever the peer sends. Memory is bounded by what the method
// can need, not by what the peer claims. Text from a peer reaches an error or a
// log only as one printable line of limited length. An answer that does not have
// the form of a cluster peer's, or that lacks its identifying field, such as the
// CID of a pin, is an error, never an empty result.
//
// # Completeness
//
// A listing or an add that ends without an error is complete. A call whose
// response is truncated fails with [ErrIncomplete]. So does a call whose response
// is a stream that cannot be verified: either only the end of the connection
// marks the end of the stream, or a listing lacks the trailer that its header
// announced. Servers report late errors in that trailer.
// Config.AllowUnverifiedStreams accepts such streams, for proxies that remove
// trailers. If a proxy removes the announcement too, late errors cannot be
// detected, and the client logs a warning once.
//
// # Verification
//
// While an upload is sent, the client computes which CIDs its files and
// directories must have. It delivers an output only if the CID in it is right, and
// an add without an error has reported everything that was sent, and nothing else.
// A difference is an [ErrContentMismatch]; the [*MismatchError] names what the
// server has probably pinned. An upload that no server would store as it is, such
// as one with two top-level entries and without Wrap, or a CAR with a wrong hash,
// is an [ErrInvalid], and its end is not sent.
//
// Sharded adds and NoCopy are not verified, and Config.SkipVerify turns
// verification off. The upload and the report must be complete in any case.
//
// Some proxies lose a part of an upload when its answer begins before its end. When
// a streamed add was damaged, the client repeats it once, and asks for its report at
// the end: see Config.BufferedAdds. All later adds of that client are made in this
// way.
package client
