package p2p

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/net/gostream"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multistream"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/liveness"
	"github.com/pinfleet/pinfleet/transport"
)

// Protocol is the protocol ID under which cluster peers serve their REST API on
// libp2p streams.
const Protocol protocol.ID = "/libp2p-http"

func init() {
	transport.Register(config.SchemeP2P, open)
	transport.Register(config.SchemeDNSAddr, open)
}

// dialer opens streams to one peer, or to the peers and hosts that a /dnsaddr/
// address names when it is dialled.
type dialer struct {
	cfg    *config.Config
	addr   config.Address
	host   host.Host
	shared *sharedHost // nil if the host is Config.Libp2pHost

	mu    sync.Mutex
	peers map[peer.ID]bool // peers whose connections this endpoint keeps; nil once closed
	// plains holds the dialers of plain HTTP addresses, by address. They are kept
	// for the sake of their TLS sessions and of the TLS files they have read.
	plains map[string]transport.Dialer
}

func open(cfg *config.Config, addr config.Address) (transport.Dialer, error) {
	d := &dialer{cfg: cfg, addr: addr, peers: make(map[peer.ID]bool), plains: make(map[string]transport.Dialer)}
	if cfg.Libp2pHost != nil {
		h, ok := cfg.Libp2pHost.(host.Host)
		if !ok {
			return nil, fmt.Errorf("Libp2pHost is a %T, not a host.Host of go-libp2p", cfg.Libp2pHost)
		}
		d.host = h
		return d, nil
	}
	shared, err := hosts.acquire(hostKey{psk: string(cfg.ProtectorKey), resolver: cfg.Resolver})
	if err != nil {
		return nil, err
	}
	d.host, d.shared = shared, shared
	if addr.Scheme == config.SchemeP2P {
		if err := dialable(shared, addr.Multiaddr); err != nil {
			return nil, errors.Join(err, shared.release())
		}
	}
	return d, nil
}

var anyIP = multiaddr.StringCast("/ip4/127.0.0.1")

// dialable returns an error if the light host has no transport for the address.
func dialable(h *sharedHost, m multiaddr.Multiaddr) error {
	if _, err := m.ValueForProtocol(multiaddr.P_CIRCUIT); err == nil {
		return errors.New("relayed addresses need a Libp2pHost that can use relays")
	}
	at, _ := peer.SplitAddr(m)
	switch at[0].Code() { // transports recognise only IP addresses as dialable
	case multiaddr.P_DNS, multiaddr.P_DNS4, multiaddr.P_DNS6:
		at = multiaddr.Join(anyIP, at[1:])
	}
	if s, ok := h.Network().(*swarm.Swarm); ok && s.TransportForDialing(at) == nil {
		if h.key.psk != "" {
			return errors.New("with a ProtectorKey, only TCP and WebSocket addresses can be dialled")
		}
		return errors.New("only TCP, QUIC (/quic-v1) and WebSocket addresses can be dialled; others need a Libp2pHost")
	}
	return nil
}

// DialContext opens a stream. It connects to the peer first if necessary.
func (d *dialer) DialContext(ctx context.Context) (net.Conn, error) {
	addrs := []multiaddr.Multiaddr{d.addr.Multiaddr}
	if d.addr.Scheme == config.SchemeDNSAddr {
		var err error
		if addrs, err = Resolve(ctx, d.addr.Multiaddr, d.cfg.Resolver); err != nil {
			return nil, err
		}
	}
	targets, err := d.targets(addrs)
	if len(targets) == 0 {
		return nil, err
	}
	conn, dialErr := transport.DialFirst(ctx, targets...)
	if dialErr != nil {
		return nil, errors.Join(dialErr, err)
	}
	return conn, nil
}

// targets returns one dial for each peer, over all of its addresses, and one for each
// plain HTTP address. The error holds the reasons for the addresses that it skips.
func (d *dialer) targets(addrs []multiaddr.Multiaddr) ([]func(context.Context) (net.Conn, error), error) {
	var (
		dials []func(context.Context) (net.Conn, error)
		errs  []error
	)
	infos := make(map[peer.ID]*peer.AddrInfo)
	for _, m := range addrs {
		if _, err := m.ValueForProtocol(multiaddr.P_P2P); err != nil {
			dial, err := d.plain(m)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			dials = append(dials, dial)
			continue
		}
		info, err := peer.AddrInfoFromP2pAddr(m)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if known := infos[info.ID]; known != nil {
			known.Addrs = append(known.Addrs, info.Addrs...)
			continue
		}
		infos[info.ID] = info
		dials = append(dials, func(ctx context.Context) (net.Conn, error) { return d.dialPeer(ctx, info) })
	}
	return dials, errors.Join(errs...)
}

// plain returns the dial for an HTTP address to which a /dnsaddr/ address resolved.
// A Config with this address must pass Validate, which also ensures that no
// credentials are sent in clear text.
func (d *dialer) plain(m multiaddr.Multiaddr) (func(context.Context) (net.Conn, error), error) {
	key := string(m.Bytes())
	d.mu.Lock()
	via, ok := d.plains[key]
	d.mu.Unlock()
	if ok {
		return via.DialContext, nil
	}
	cfg := d.cfg.AsTemplateFor([]multiaddr.Multiaddr{m})[0]
	cfg.Libp2pHost = nil
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	a, err := cfg.Address()
	if err != nil {
		return nil, err
	}
	if a.Scheme != config.SchemeHTTP && a.Scheme != config.SchemeHTTPS || a.BasePath != d.addr.BasePath {
		return nil, fmt.Errorf("%s stands for %s, which is neither a libp2p address nor a host and port", d.addr, m)
	}
	if via, err = transport.NewDialer(cfg, a); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.plains) >= maxResults {
		clear(d.plains) // the name leads to ever new addresses
	}
	d.plains[key] = via
	return via.DialContext, nil
}

// dialPeer opens a stream to a peer over any of its addresses.
func (d *dialer) dialPeer(ctx context.Context, info *peer.AddrInfo) (net.Conn, error) {
	if d.shared != nil && liveness.WantsFreshConnection(ctx) {
		return d.dialFresh(ctx, info)
	}
	release := func() error { return nil }
	if d.shared != nil {
		if err := d.keep(info.ID); err != nil {
			return nil, err
		}
		release = func() error { return d.shared.releasePeer(info.ID) }
	}
	return openStream(ctx, d.host, info, release)
}

// dialFresh opens a stream over a connection that nothing else uses, and that ends with the
// stream. It needs a host of its own, because a host has one connection to each peer.
func (d *dialer) dialFresh(ctx context.Context, info *peer.AddrInfo) (net.Conn, error) {
	h, err := NewHost(WithProtectorKey(d.cfg.ProtectorKey), WithResolver(d.cfg.Resolver))
	if err != nil {
		return nil, err
	}
	return openStream(ctx, h, info, h.Close)
}

// openStream opens a stream from h to a peer. release is called once, when the stream is
// closed or cannot be opened.
func openStream(ctx context.Context, h host.Host, info *peer.AddrInfo, release func() error) (net.Conn, error) {
	h.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.TempAddrTTL)
	if relayed(info.Addrs) {
		ctx = network.WithAllowLimitedConn(ctx, "pinfleet")
	} else {
		// This also disables libp2p's backoff after failed dials, because the
		// callers decide when to try a peer again.
		ctx = network.WithForceDirectDial(ctx, "pinfleet")
	}
	c, err := gostream.Dial(ctx, h, info.ID, Protocol)
	if err != nil {
		_ = release()
		if errors.Is(err, multistream.ErrNotSupported[protocol.ID]{}) {
			return nil, fmt.Errorf("peer %s does not serve its API over libp2p: %w", info.ID, err)
		}
		return nil, &dialError{err}
	}
	return &conn{Conn: c, release: release}, nil
}

func relayed(addrs []multiaddr.Multiaddr) bool {
	for _, m := range addrs {
		if _, err := m.ValueForProtocol(multiaddr.P_CIRCUIT); err == nil {
			return true
		}
	}
	return false
}

// keep counts a new stream to id as a user of the connection. The endpoint itself
// also counts as a user until it is closed, so that the connection outlives its
// streams.
func (d *dialer) keep(id peer.ID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.peers == nil {
		return net.ErrClosed
	}
	if !d.peers[id] {
		d.peers[id] = true
		d.shared.usePeer(id)
	}
	d.shared.usePeer(id)
	return nil
}

// Close releases the shared host and the connections of the endpoint. Streams that are
// in use keep the host open until they end.
func (d *dialer) Close() error {
	d.mu.Lock()
	peers := d.peers
	d.peers = nil
	d.mu.Unlock()
	if d.shared == nil {
		return nil
	}
	var errs []error
	for id := range peers {
		errs = append(errs, d.shared.releasePeer(id))
	}
	return errors.Join(append(errs, d.shared.release())...)
}
