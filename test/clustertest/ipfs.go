package clustertest

import (
	"fmt"
	"net"
	"strconv"

	"github.com/pinfleet/pinfleet/api"
)

// ipfsError is what the peer's IPFS connector says about a call to a daemon that
// is down.
func (p *Peer) ipfsError(call string) string {
	addr := net.JoinHostPort(p.host, strconv.Itoa(p.ipfsAPIPort()))
	return fmt.Sprintf("Post %q: dial tcp %s: connect: connection refused", "http://"+addr+"/api/v0/"+call, addr)
}

// rpcError is what the other peers say about a call to this one when it is down.
func (p *Peer) rpcError() string {
	return fmt.Sprintf("failed to dial: failed to dial %s: all dials failed\n  * [%s] dial backoff", p.id, tcpAddr(p.host, p.clusterPort()))
}

// pinKind is the type argument of the daemon's calls about a pin.
func pinKind(pin api.Pin) string {
	if pin.MaxDepth == 0 {
		return "direct"
	}
	return "recursive"
}

func pinLsCall(pin api.Pin) string {
	return fmt.Sprintf("pin/ls?stream=true&arg=%s&type=%s", pin.Cid, pinKind(pin))
}

func pinAddCall(pin api.Pin) string {
	if pin.MaxDepth == 0 {
		return fmt.Sprintf("pin/add?arg=%s&recursive=false&progress=true", pin.Cid)
	}
	return fmt.Sprintf("pin/add?arg=%s&recursive=true&progress=true", pin.Cid)
}
