// Package transport turns the address of an endpoint into an
// http.RoundTripper: over TCP, TLS and Unix sockets, and over libp2p streams
// where the package transport/p2p is imported.
package transport
