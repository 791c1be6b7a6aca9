// Package p2p adds HTTP over libp2p streams to package transport. Importing it
//
//	import _ "github.com/pinfleet/pinfleet/transport/p2p"
//
// makes transport.Open accept addresses that end in /p2p/<peer ID>, and /dnsaddr/
// addresses. A stream with the protocol ID /libp2p-http is used like a TCP
// connection: it carries HTTP/1.1 and is kept for further requests.
//
// # Hosts
//
// All endpoints of a process with the same private network key and the same
// resolver share one libp2p host (see NewHost). The first endpoint creates the host,
// and the last one closes it. The shared hosts are the package's only global state.
package p2p
