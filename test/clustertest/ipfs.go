package clustertest

import (
	"fmt"
	"net"
	"strconv"

	"github.com/pinfleet/pinfleet/api"
)

// ipfsError returns the error of a call to the peer's IPFS daemon when the
// daemon is down.
func (p *Peer) ipfsError(call string) string {
	addr := net.JoinHostPort(p.host, strconv.Itoa(p.ipfsAPIPort()))
	return fmt.Sprintf("Post %q: dial tcp %s: connect: connection refused", "http://"+addr+"/api/v0/"+call, addr)
}

// rpcError returns the error of other peers' calls to this peer when it is down.
func (p *Peer) rpcError() string {
	return fmt.Sprintf("failed to dial: failed to dial %s: all dials failed\n  * [%s] dial backoff", p.id, tcpAddr(p.host, p.clusterPort()))
}

// pinKind returns the type argument of the IPFS daemon's calls about a pin.
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
