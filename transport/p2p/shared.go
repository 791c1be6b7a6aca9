package p2p

import (
	"net"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
)

// hostKey identifies the endpoints that can share a host.
type hostKey struct {
	psk      string
	resolver *net.Resolver
}

// hostPool holds one host per hostKey while the host has users.
type hostPool struct {
	mu    sync.Mutex
	hosts map[hostKey]*sharedHost
}

// hosts is the pool of the process.
var hosts = hostPool{hosts: make(map[hostKey]*sharedHost)}

// sharedHost is a host with reference counts. Endpoints and open streams are users of
// the host and of its connections to their peers. A connection is closed when it has
// no users left, and so is the host. The counts are guarded by the pool's mutex.
type sharedHost struct {
	host.Host
	pool  *hostPool
	key   hostKey
	users int
	peers map[peer.ID]int
}

// acquire returns the host for key, and creates it if there is none. The caller must
// call release once.
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

// release removes a user of the host, and closes the host if it was the last one.
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

// usePeer adds a user of the host and of its connection to id. The caller must call
// releasePeer once.
func (h *sharedHost) usePeer(id peer.ID) {
	h.pool.mu.Lock()
	defer h.pool.mu.Unlock()
	h.users++
	h.peers[id]++
}

// releasePeer removes a user of the host and of its connection to id. Each is closed
// when it has no users left.
func (h *sharedHost) releasePeer(id peer.ID) error {
	h.pool.mu.Lock()
	h.peers[id]--
	last := h.peers[id] == 0
	if last {
		delete(h.peers, id)
		// Under the lock, so that usePeer cannot add a user of the closing
		// connection.
		_ = h.Network().ClosePeer(id)
	}
	h.pool.mu.Unlock()
	return h.release()
}
