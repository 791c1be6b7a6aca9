package clustertest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/faults"
)

// Peer is one peer of a cluster. It is safe for concurrent use, but a handler
// of the peer must not call Stop, Start or StopIPFS on it.
type Peer struct {
	c         *Cluster
	index     int
	host      string
	name      string
	key       crypto.PrivKey
	id        peer.ID
	idText    string // id in base58; encoding is slow
	ipfsID    peer.ID
	endpoints []*endpoint
	handler   http.Handler
	log       requestLog
	slow      atomic.Int64 // delay of every answer, in nanoseconds

	faults faults.List[Fault]

	// serving guards server and is held while the server starts and stops.
	serving sync.Mutex
	server  *server

	// Guarded by c.mu.
	up, ipfsUp, member   bool
	startedAt, stoppedAt time.Time
}

// newPeer creates a stopped peer and reserves its addresses.
func newPeer(c *Cluster, i int) (*Peer, error) {
	p := &Peer{
		c:      c,
		index:  i,
		host:   at(c.opts.Hosts, i, defaultHost),
		name:   at(c.opts.Names, i, fmt.Sprintf("peer%d", i)),
		ipfsUp: true,
		member: true,
	}
	var err error
	if p.key, p.id, err = identity("cluster", c.opts.Identity, i); err != nil {
		return nil, err
	}
	if _, p.ipfsID, err = identity("ipfs", c.opts.Identity, i); err != nil {
		return nil, err
	}
	p.idText = p.id.String()
	if p.endpoints, err = newEndpoints(p); err != nil {
		return nil, err
	}
	api := p.authenticate(cors(http.HandlerFunc(p.serveAPI)))
	p.handler = p.record(p.delay(p.injectFaults(api)))
	return p, nil
}

// ID returns the peer's cluster peer ID.
func (p *Peer) ID() peer.ID { return p.id }

// IPFS returns the ID of the peer's IPFS daemon.
func (p *Peer) IPFS() peer.ID { return p.ipfsID }

// Name returns the peer's name.
func (p *Peer) Name() string { return p.name }

// Addr returns the address of the peer's first listener; see Addrs.
func (p *Peer) Addr() multiaddr.Multiaddr { return p.endpoints[0].addr }

// Addrs returns the addresses of the peer's listeners, in the order of the
// Listen constants. They stay the same when the peer is stopped and started.
func (p *Peer) Addrs() []multiaddr.Multiaddr {
	addrs := make([]multiaddr.Multiaddr, len(p.endpoints))
	for i, e := range p.endpoints {
		addrs[i] = e.addr
	}
	return addrs
}

// AddrOf returns the peer's address for a transport, or nil if it does not
// serve it.
func (p *Peer) AddrOf(transport Listen) multiaddr.Multiaddr {
	i := slices.IndexFunc(p.endpoints, func(e *endpoint) bool { return e.transport == transport })
	if i < 0 {
		return nil
	}
	return p.endpoints[i].addr
}

// Start restarts a stopped peer on the same addresses, with the cluster's
// current pinset. It does nothing if the peer is running, and fails if the
// cluster is closed.
func (p *Peer) Start() error {
	p.serving.Lock()
	defer p.serving.Unlock()
	if p.server != nil {
		return nil
	}
	if p.c.isClosed() {
		return errClosed
	}
	s, err := startServer(p)
	if err != nil {
		return err
	}
	p.server = s
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	p.rejoin(p.c.now())
	return nil
}

// rejoin marks the peer as up and queues the pins that it missed or had not
// finished. c.mu must be held.
func (p *Peer) rejoin(now time.Time) {
	if a, ok := p.alert(now); ok && !p.startedAt.IsZero() {
		p.c.alerts = append(p.c.alerts, a)
		p.c.alerts = p.c.alerts[max(0, len(p.c.alerts)-maxAlerts):]
	}
	for _, rec := range p.c.pins.records {
		if _, unfinished := p.c.pinning(rec, p, p.stoppedAt); unfinished {
			rec.track(p.index, tracked{status: api.TrackerStatusPinQueued, since: now})
		}
	}
	p.up, p.startedAt = true, now
}

// Stop stops the peer as a crash does: it closes the listeners and cuts all
// connections at once. It returns when no handler is running. It does nothing
// if the peer is stopped.
func (p *Peer) Stop() {
	p.serving.Lock()
	defer p.serving.Unlock()
	if p.server == nil {
		return
	}
	p.c.mu.Lock()
	p.up, p.stoppedAt = false, p.c.now()
	p.c.mu.Unlock()
	p.server.stop()
	p.server = nil
}

// Running reports whether the peer is running.
func (p *Peer) Running() bool {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	return p.up
}

// release frees the peer's addresses.
func (p *Peer) release() error {
	var first error
	for _, e := range p.endpoints {
		if err := e.release(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// StopIPFS stops the peer's IPFS daemon. The API continues to serve, and
// requests that need the daemon fail as on a real peer. Unfinished pins become errors.
func (p *Peer) StopIPFS() {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	now := p.c.refresh()
	p.ipfsUp = false
	for _, rec := range p.c.pins.records {
		if op, ok := p.c.pinning(rec, p, now); ok {
			rec.track(p.index, tracked{
				status:   api.TrackerStatusPinError,
				since:    now,
				err:      p.ipfsError(pinAddCall(rec.pin)),
				attempts: op.AttemptCount + 1,
			})
		}
	}
}

// StartIPFS restarts the peer's IPFS daemon. Pins that failed meanwhile stay
// failed until they are recovered.
func (p *Peer) StartIPFS() {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	p.ipfsUp = true
}

// Slow delays the start of every later answer by d. 0 ends the delay.
func (p *Peer) Slow(d time.Duration) { p.slow.Store(int64(d)) }

func (p *Peer) delay(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := wait(r.Context(), time.Duration(p.slow.Load())); err != nil {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}

// wait waits for d or until ctx is done, and returns the context's error in
// that case.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// DialContext connects to the peer's Memory listener. It ignores network and
// address, so that it can be the DialContext of an http.Transport. It fails if
// the peer is stopped or does not listen on Memory.
func (p *Peer) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	for _, e := range p.endpoints {
		if e.transport == Memory {
			return e.memory.dial(ctx)
		}
	}
	return nil, fmt.Errorf("peer %d has no memory listener: add clustertest.Memory to Options.Listen", p.index)
}

// infoShort returns an empty status with the names of the peer and its IPFS daemon.
func (p *Peer) infoShort() api.PinInfoShort {
	return api.PinInfoShort{PeerName: p.name, IPFS: p.ipfsID}
}

func (p *Peer) clusterPort() int {
	for _, e := range p.endpoints {
		if e.transport == Libp2p {
			return e.port
		}
	}
	if base := p.c.opts.BasePort; base != 0 {
		return base + libp2pPortGap + portsPerPeer*p.index
	}
	return clusterPort + portsPerPeer*p.index
}

func (p *Peer) ipfsPort() int    { return ipfsPort + portsPerPeer*p.index }
func (p *Peer) ipfsAPIPort() int { return ipfsAPIPort + portsPerPeer*p.index }
