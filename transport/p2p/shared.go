package p2p

import (
	"net"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
)

// hostKey says which endpoints can share a host.
type hostKey struct {
	psk      string
	resolver *net.Resolver
}

// A hostPool keeps one host per hostKey, for as long as somebody uses it.
type hostPool struct {
	mu    sync.Mutex
	hosts map[hostKey]*sharedHost
}

// hosts is the pool of the process.
var hosts = hostPool{hosts: make(map[hostKey]*sharedHost)}

// A sharedHost is used by endpoints and by the streams that are open; the host's
// connection to a peer likewise. The last one closes it. Its fields are guarded
// by the pool's mutex.
type sharedHost struct {
	host.Host
	pool  *hostPool
	key   hostKey
	users int
	peers map[peer.ID]int
}

// acquire returns the host for key, and makes it if there is none. Each call
// needs one call of release.
func (p *hostPool) acquire(key hostKey) (*sharedHost, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.hosts[key]
	if h == nil {
		opts := []HostOption{WithResolver(key.resolver)}
		if key.psk != "" {
			opts = append(opts, WithProtectorKey([]byte(key.psk)))
		}
		made, err := NewHost(opts...)
		if err != nil {
			return nil, err
		}
		h = &sharedHost{Host: made, pool: p, key: key, peers: make(map[peer.ID]int)}
		p.hosts[key] = h
	}
	h.users++
	return h, nil
}

// release gives back what acquire or use returned.
func (h *sharedHost) release() error {
	h.pool.mu.Lock()
	h.users--
	last := h.users == 0
	if last {
		delete(h.pool.hosts, h.key)
	}
	h.pool.mu.Unlock()
	if !last {
		return nil
	}
	return h.Host.Close()
}

// usePeer counts a user of the host's connection to id, besides a user of the
// host. Each call needs one call of releasePeer.
func (h *sharedHost) usePeer(id peer.ID) {
	h.pool.mu.Lock()
	defer h.pool.mu.Unlock()
	h.users++
	h.peers[id]++
}

// releasePeer closes the connection to id if nobody needs it any more, and the
// host if nobody needs that.
func (h *sharedHost) releasePeer(id peer.ID) error {
	h.pool.mu.Lock()
	h.peers[id]--
	last := h.peers[id] == 0
	if last {
		delete(h.peers, id)
		// Still under the lock, lest somebody open a stream on it meanwhile.
		_ = h.Network().ClosePeer(id)
	}
	h.pool.mu.Unlock()
	return h.release()
}
