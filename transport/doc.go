// Package transport makes an http.RoundTripper for one endpoint, over TCP, TLS, a
// Unix socket or libp2p streams.
//
// # Endpoints
//
// [Open] returns the [Endpoint] that a config.Config describes. The endpoint keeps
// idle connections for reuse until Close. It connects only to its own host,
// because requests carry credentials.
//
// # Errors
//
// A [DialError] reports that a request was provably not sent. Its field Local says
// whether this machine is the cause. After any other error, the server may have
// executed the request.
//
// # Changes at run time
//
// New connections use the TLS files as they are then. A connection to a name gets no
// further requests once it is older than Config.MaxConnAge.
//
// # Timeouts
//
// The endpoint applies DialTimeout, HeaderTimeout and IdleTimeout of the Config.
// Their errors match os.ErrDeadlineExceeded. An error that matches
// context.DeadlineExceeded comes from the caller's context. Timeout bounds a
// whole call and is left to the caller of the RoundTripper.
//
// # Other address schemes
//
// A package adds a scheme by calling [Register] in its init function. Importing
// transport/p2p adds libp2p and /dnsaddr/ addresses this way, so that programs
// without them do not link libp2p.
package transport
