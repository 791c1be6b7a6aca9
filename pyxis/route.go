package pyxis

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"time"

	"github.com/pinfleet/pinfleet/internal/oneline"
	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// maxHops is the number of redirects in a row to follow before the list of
// addresses is used again.
const maxHops = 4

// redirect is the reason why a connection to a server that does not lead ended.
type redirect struct {
	to string // the leader's address according to the server; may be empty
}

// redirectTo returns a redirect to addr, which a server chose. An address that is too
// long or not printable is omitted, because it would appear in errors and logs.
func redirectTo(addr string) *redirect {
	if !oneline.Is(addr, pyxiswire.MaxPath) {
		return &redirect{}
	}
	return &redirect{to: addr}
}

func (r *redirect) Error() string {
	if r.to == "" {
		return fmt.Sprintf("%v, and names none", ErrNotLeader)
	}
	return fmt.Sprintf("%v, and names %s", ErrNotLeader, r.to)
}

func (r *redirect) Unwrap() error { return ErrNotLeader }

// route chooses the next address to try and the pause before it.
type route struct {
	addrs    []string // shuffled, so that clients spread over the servers
	at       int      // index of the next address
	hint     string   // tried before addrs: the likely leader
	hops     int      // redirects followed since an address of addrs was tried
	failures int      // attempts since the last good connection
	tried    bool
}

func newRoute(addrs []string) *route {
	r := &route{addrs: slices.Clone(addrs)}
	rand.Shuffle(len(r.addrs), func(i, j int) { r.addrs[i], r.addrs[j] = r.addrs[j], r.addrs[i] })
	return r
}

// next returns the next address to try.
func (r *route) next() string {
	r.tried = true
	if addr := r.hint; addr != "" {
		r.hint = ""
		return addr
	}
	r.hops = 0
	addr := r.addrs[r.at%len(r.addrs)]
	r.at++
	return addr
}

// ended records the end of the attempt at addr with err. good means that the
// connection lasted long enough to reset the pauses.
func (r *route) ended(addr string, good bool, err error) {
	if good {
		r.failures, r.hops = 0, 0
		r.hint = addr // probably still the leader
	} else {
		r.failures++
	}
	var other *redirect
	if !errors.As(err, &other) {
		return
	}
	r.hint = ""
	if _, _, bad := net.SplitHostPort(other.to); bad == nil && other.to != addr && r.hops < maxHops {
		r.hops++
		r.hint = other.to
	}
}

// pause returns how long to wait before the next attempt: not at all before the
// first, and only briefly before the address of the likely leader.
func (r *route) pause(limit time.Duration) time.Duration {
	switch {
	case !r.tried:
		return 0
	case r.hint != "":
		return backoff(r.hops, limit)
	}
	return backoff(r.failures, limit)
}

// backoff returns a random duration between half of an upper bound and that
// bound, which is 10 ms doubled for each failure, but at most limit.
func backoff(failures int, limit time.Duration) time.Duration {
	upper := limit
	if failures < 16 {
		upper = min(10*time.Millisecond<<failures, limit)
	}
	return upper - rand.N(upper/2+1)
}
