package pyxis

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"time"
)

// maxHops is how many redirects in a row are followed before the list of
// addresses is taken up again.
const maxHops = 4

// redirect is why a connection ended whose server is not the leader.
type redirect struct {
	to string // the leader's address, as the server says; may be empty
}

func (r *redirect) Error() string {
	if r.to == "" {
		return fmt.Sprintf("%v, and names none", ErrNotLeader)
	}
	return fmt.Sprintf("%v, and names %s", ErrNotLeader, r.to)
}

func (r *redirect) Unwrap() error { return ErrNotLeader }

// route decides which address to try next, and after which pause.
type route struct {
	addrs    []string // shuffled, so that clients spread over the servers
	at       int      // the next one of them
	hint     string   // goes before them: the leader as last known
	hops     int      // redirects followed since an address of the list was tried
	failures int      // attempts since the last that was worth a fresh start
	tried    bool
}

func newRoute(addrs []string) *route {
	r := &route{addrs: slices.Clone(addrs)}
	rand.Shuffle(len(r.addrs), func(i, j int) { r.addrs[i], r.addrs[j] = r.addrs[j], r.addrs[i] })
	return r
}

// next returns the address to try.
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

// ended tells how the attempt at addr ended: with err, and whether it had been
// a good connection, long enough for the pauses to start over.
func (r *route) ended(addr string, good bool, err error) {
	if good {
		r.failures, r.hops = 0, 0
		r.hint = addr // most likely still the leader
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

// pause returns how long to wait before the next attempt: nothing before the
// first one, and little before the address that is most likely the leader's.
func (r *route) pause(limit time.Duration) time.Duration {
	switch {
	case !r.tried:
		return 0
	case r.hint != "":
		return backoff(r.hops, limit)
	}
	return backoff(r.failures, limit)
}

// backoff is 10 ms, doubled by each failure, at most limit, of which a random
// half is taken off.
func backoff(failures int, limit time.Duration) time.Duration {
	upper := limit
	if failures < 16 {
		upper = min(10*time.Millisecond<<failures, limit)
	}
	return upper - rand.N(upper/2+1)
}
