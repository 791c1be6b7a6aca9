package clustertest

import (
	"errors"
	"fmt"
	"net"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/pnet"
	"github.com/libp2p/go-libp2p/core/sec"
	blankhost "github.com/libp2p/go-libp2p/p2p/host/blank"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/gostream"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/internal/heldport"
)

// httpProtocol is the libp2p protocol whose streams carry HTTP connections.
const httpProtocol = "/libp2p-http"

func newLibp2pEndpoint(p *Peer, port int) (*endpoint, error) {
	held, err := heldport.Hold(p.host, port)
	if err != nil {
		return nil, fmt.Errorf("libp2p port of peer %d: %w", p.index, err)
	}
	listenAddr, err := multiaddr.NewMultiaddr(tcpAddr(p.host, held.Number()))
	if err != nil {
		return nil, errors.Join(err, held.Release())
	}
	addr, err := multiaddr.NewMultiaddr(listenAddr.String() + "/p2p/" + p.id.String())
	if err != nil {
		return nil, errors.Join(err, held.Release())
	}
	return &endpoint{
		transport: Libp2p,
		addr:      addr,
		port:      held.Number(),
		secure:    plain,
		release:   held.Release,
		listen: func() (net.Listener, func() error, error) {
			h, closer, err := p.newHost(listenAddr)
			if err != nil {
				return nil, nil, err
			}
			l, err := gostream.Listen(h, httpProtocol)
			if err != nil {
				return nil, nil, errors.Join(err, closer())
			}
			return l, closer, nil
		},
	}, nil
}

// newHost returns a libp2p host with the peer's identity, and a function that
// closes the host and its parts. It is assembled from parts, because the
// umbrella package go-libp2p links far more than TCP.
func (p *Peer) newHost(listen multiaddr.Multiaddr) (*blankhost.BlankHost, func() error, error) {
	store, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(store.AddPubKey(p.id, p.key.GetPublic()), store.AddPrivKey(p.id, p.key)); err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	network, err := p.newSwarm(store)
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	closer := func() error { return errors.Join(network.Close(), store.Close()) }
	if err := network.Listen(listen); err != nil {
		return nil, nil, errors.Join(err, closer())
	}
	store.AddAddrs(p.id, network.ListenAddresses(), peerstore.PermanentAddrTTL)
	h := blankhost.NewBlankHost(network, blankhost.WithEventBus(eventbus.NewBus()))
	if h == nil {
		return nil, nil, errors.Join(errors.New("the host's own record could not be stored"), closer())
	}
	return h, closer, nil
}

// newSwarm returns a network over TCP and yamux, secured with Noise or TLS, and
// private if there is a key.
func (p *Peer) newSwarm(store peerstore.Peerstore) (network.Network, error) {
	muxers := []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: yamux.DefaultTransport}}
	secureNoise, err := noise.New(noise.ID, p.key, muxers)
	if err != nil {
		return nil, err
	}
	secureTLS, err := libp2ptls.New(libp2ptls.ID, p.key, muxers)
	if err != nil {
		return nil, err
	}
	up, err := upgrader.New([]sec.SecureTransport{secureTLS, secureNoise}, muxers, pnet.PSK(p.c.opts.PrivateNetworkKey), nil, nil)
	if err != nil {
		return nil, err
	}
	overTCP, err := tcp.NewTCPTransport(up, nil, nil, tcp.DisableReuseport())
	if err != nil {
		return nil, err
	}
	s, err := swarm.NewSwarm(p.id, store, eventbus.NewBus())
	if err != nil {
		return nil, err
	}
	if err := s.AddTransport(overTCP); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}
