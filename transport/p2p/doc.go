// Package p2p adds HTTP over libp2p streams to package transport. It is imported
// for this effect:
//
//	import _ "github.com/pinfleet/pinfleet/transport/p2p"
//
// and then addresses that end in /p2p/<peer ID>, and /dnsaddr/ addresses, work
// like any other. A stream with the protocol ID /libp2p-http is used like a TCP
// connection: HTTP/1.1 is spoken on it, and it is kept for further requests.
//
// All endpoints of a process share one libp2p host if they can, which is if they
// have the same private network key and the same resolver. The host is made for
// the first of them and closed with the last. It is put together from the parts
// that are needed (see NewHost), and it is the only state that belongs to the
// package as a whole.
package p2p
