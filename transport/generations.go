package transport

import (
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"
)

// generations replaces an http.Transport by a new one when it has reached an age, so
// that no request gets a connection that is older. http.Transport has no limit of its
// own: while a client is busy, its connections live as long as the server lets them.
// The previous http.Transport closes each of its connections when it becomes idle.
type generations struct {
	create func() *http.Transport
	maxAge time.Duration // 0 means that there is one generation

	current atomic.Pointer[generation]
}

// generation is an http.Transport that gets new requests until a time.
type generation struct {
	*http.Transport
	until time.Time
}

func newGenerations(maxAge time.Duration, create func() *http.Transport) *generations {
	g := &generations{create: create, maxAge: maxAge}
	g.current.Store(g.next())
	return g
}

// next returns a new generation. Its age is randomised, so that the clients of a
// server do not open all their connections at the same moment.
func (g *generations) next() *generation {
	n := &generation{Transport: g.create()}
	if g.maxAge > 0 {
		n.until = time.Now().Add(g.maxAge - rand.N(g.maxAge/8+1))
	}
	return n
}

// get returns the http.Transport for a new request. The caller must call done with
// it when the response's header has arrived.
func (g *generations) get() *http.Transport {
	old := g.current.Load()
	if g.maxAge <= 0 || time.Now().Before(old.until) {
		return old.Transport
	}
	fresh := g.next()
	if g.current.CompareAndSwap(old, fresh) {
		old.CloseIdleConnections()
	}
	return g.current.Load().Transport
}

// done closes the connections of t that are idle, if t was replaced since get. From
// then on, t closes a connection when it becomes idle, unless t gets another request.
func (g *generations) done(t *http.Transport) {
	if g.current.Load().Transport != t {
		t.CloseIdleConnections()
	}
}
