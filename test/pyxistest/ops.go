package pyxistest

import (
	"strings"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// Ops is a set of kinds of requests. A request with several bodies, such as a
// stat with a watch, is of several kinds.
type Ops uint16

// Kinds of requests.
const (
	Register Ops = 1 << iota
	Unregister
	Ping
	Create
	Delete
	Write
	Read
	Stat
	Watches
	// Empty is a request without a body. It only prolongs the session.
	Empty
	// Connect is a new connection, not a request.
	Connect

	// AllOps contains all kinds of requests, but not Connect.
	AllOps = Connect - 1
)

var opNames = []string{"register", "unregister", "ping", "create", "delete", "write", "read", "stat", "watch", "empty", "connect"}

// String returns the names of the kinds, joined by "+".
func (o Ops) String() string {
	var names []string
	for i, name := range opNames {
		if o&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "+")
}

// opsOf returns the kinds of a request.
func opsOf(req *pyxiswire.Request) Ops {
	var ops Ops
	add := func(is bool, op Ops) {
		if is {
			ops |= op
		}
	}
	add(req.Register != nil, Register)
	add(req.Unregister != nil, Unregister)
	add(req.Ping != nil, Ping)
	add(req.Create != nil, Create)
	add(req.Delete != nil, Delete)
	add(req.Write != nil, Write)
	add(req.Read != nil, Read)
	add(req.Stat != nil, Stat)
	add(req.Watch != nil, Watches)
	if ops == 0 {
		return Empty
	}
	return ops
}
