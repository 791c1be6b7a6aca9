package main

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/recipe"
	"github.com/pinfleet/pinfleet/test/clustertest"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

const (
	peers      = 5
	registered = "/clusters/main/peers" // the registry's path

	// The service removes a crashed process after sessionTimeout. It is shorter
	// than the default of 5 s.
	sessionTimeout = 1500 * time.Millisecond
	tick           = 250 * time.Millisecond
	failover       = time.Second // until another leader is elected
)

// fleet is the coordination service and the cluster. A peer runs only after it
// has joined.
type fleet struct {
	service   *pyxistest.Cluster
	cluster   *clustertest.Cluster
	processes [peers]*process // nil unless the peer has joined
}

func startFleet() (*fleet, error) {
	service, err := pyxistest.Start(pyxistest.Options{Nodes: 3, CommitDelay: 20 * time.Millisecond, Tick: tick, MinTimeout: 3 * tick, Failover: failover})
	if err != nil {
		return nil, err
	}
	cluster, err := clustertest.Start(clustertest.Options{Peers: peers})
	if err != nil {
		return nil, errors.Join(err, service.Close())
	}
	for _, p := range cluster.Peers() {
		p.Stop()
	}
	return &fleet{service: service, cluster: cluster}, nil
}

func (f *fleet) close() error {
	var errs []error
	for i, p := range f.processes {
		switch {
		case p == nil:
		case p.link.isDown():
			f.bury(i)
		default:
			errs = append(errs, f.leave(i))
		}
	}
	return errors.Join(append(errs, f.cluster.Close(), f.service.Close())...)
}

// options returns the options of all clients of the service.
func options() *pyxis.Options {
	return &pyxis.Options{SessionTimeout: sessionTimeout, ServerTick: tick}
}

// process announces a peer to the service.
type process struct {
	link         link
	client       *pyxis.Client
	announcement *recipe.Announcement
}

// join starts a peer and announces it.
func (f *fleet) join(ctx context.Context, i int) error {
	peer := f.cluster.Peer(i)
	if err := peer.Start(); err != nil {
		return err
	}
	p := &process{}
	opt := options()
	opt.Dial = p.link.dial
	p.client = pyxis.NewClient(f.service.Addrs(), opt)
	var err error
	endpoint := discovery.Endpoint{Addr: peer.Addr(), Weight: 1}
	if p.announcement, err = discovery.Announce(ctx, p.client, registered, peer.Name(), endpoint, nil); err != nil {
		return errors.Join(err, p.client.Close())
	}
	f.processes[i] = p
	return nil
}

// withdraw ends the announcement of a peer. The peer continues to run.
func (f *fleet) withdraw(i int) error {
	return f.processes[i].announcement.Close()
}

// leave withdraws a peer's announcement and stops the peer.
func (f *fleet) leave(i int) error {
	p := f.processes[i]
	f.processes[i] = nil
	err := errors.Join(p.announcement.Close(), p.client.Close())
	f.cluster.Peer(i).Stop()
	return err
}

// bury frees the resources of a crashed peer's process.
func (f *fleet) bury(i int) {
	p := f.processes[i]
	f.processes[i] = nil
	// The process cannot reach the service, so the calls must not wait for it.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _ = p.client.WithContext(ctx).Close(), p.announcement.Close()
}

// crash stops a peer and disconnects its process from the service at the same
// time, without withdrawing its announcement.
func (f *fleet) crash(i int) {
	f.processes[i].link.cut()
	f.cluster.Peer(i).Stop()
}

// link is a process's connection to the service.
type link struct {
	mu    sync.Mutex
	down  bool
	conns []net.Conn
}

func (l *link) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, errors.Join(errors.New("the process is gone"), conn.Close())
	}
	l.conns = append(l.conns, conn)
	return conn, nil
}

func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for _, conn := range l.conns {
		_ = conn.Close()
	}
}

func (l *link) isDown() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down
}
