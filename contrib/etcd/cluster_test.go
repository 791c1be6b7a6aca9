package etcd_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// members is an etcd of three members in this process, each behind a proxy that
// can be cut.
type members struct {
	configs []*embed.Config
	proxies []*proxy

	mu      sync.Mutex
	running []*embed.Etcd // nil if stopped
}

// startMembers starts an etcd that stops at the end of the test.
func startMembers(t *testing.T) *members {
	t.Helper()
	const n = 3
	m := &members{running: make([]*embed.Etcd, n)}
	var initial []string
	for i := range n {
		peer, client := freeURL(t), freeURL(t)
		cfg := embed.NewConfig()
		cfg.Name, cfg.Dir = fmt.Sprintf("m%d", i), t.TempDir()
		cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
		cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
		cfg.TickMs, cfg.ElectionMs = 50, 500
		cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
		cfg.UnsafeNoFsync = true
		m.configs = append(m.configs, cfg)
		m.proxies = append(m.proxies, startProxy(t, client.Host))
		initial = append(initial, cfg.Name+"="+peer.String())
	}
	for _, cfg := range m.configs {
		cfg.InitialCluster = strings.Join(initial, ",")
	}
	t.Cleanup(m.stopAll)
	m.startAll(t)
	return m
}

// freeURL returns a URL with a port of loopback that is free now.
func freeURL(t *testing.T) url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return url.URL{Scheme: "http", Host: l.Addr().String()}
}

func (m *members) each(do func(i int)) {
	for i := range m.running {
		do(i)
	}
}

// startAll starts all members that are stopped, and waits until they serve.
func (m *members) startAll(t *testing.T) {
	t.Helper()
	m.each(func(i int) { m.start(t, i) })
	m.each(func(i int) {
		select {
		case <-m.member(i).Server.ReadyNotify():
		case <-time.After(time.Minute):
			t.Fatal("etcd does not start within a minute")
		}
	})
}

func (m *members) start(t *testing.T, i int) {
	t.Helper()
	if m.member(i) != nil {
		return
	}
	e, err := embed.StartEtcd(m.configs[i])
	must(t, err)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running[i] = e
}

// stopAll stops all members at once. One by one, each waits for the others.
func (m *members) stopAll() {
	var stops sync.WaitGroup
	m.each(func(i int) { stops.Go(func() { m.stop(i) }) })
	stops.Wait()
}

func (m *members) stop(i int) {
	m.mu.Lock()
	e := m.running[i]
	m.running[i] = nil
	m.mu.Unlock()
	if e != nil {
		e.Server.HardStop() // as a crash: it hands its leadership to nobody
		e.Close()
	}
}

func (m *members) member(i int) *embed.Etcd {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running[i]
}

// leader returns the index of the leader.
func (m *members) leader(t *testing.T) int {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) { // an election takes real time
		for i := range m.running {
			if e := m.member(i); e != nil && e.Server.Leader() == e.Server.MemberID() {
				return i
			}
		}
	}
	t.Fatal("no member became leader within a minute")
	return 0
}

// dial returns a client that reaches the members through their proxies.
func (m *members) dial(t *testing.T) *clientv3.Client {
	t.Helper()
	var endpoints []string
	for _, p := range m.proxies {
		endpoints = append(endpoints, p.addr())
	}
	return m.dialAt(t, endpoints...)
}

// direct returns a client that reaches the members without proxies.
func (m *members) direct(t *testing.T) *clientv3.Client {
	t.Helper()
	var endpoints []string
	for _, cfg := range m.configs {
		endpoints = append(endpoints, cfg.ListenClientUrls[0].Host)
	}
	return m.dialAt(t, endpoints...)
}

// dialLimited returns a client as direct does that accepts messages of at most limit
// bytes.
func (m *members) dialLimited(t *testing.T, limit int) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{
		Endpoints: []string{m.configs[0].ListenClientUrls[0].Host}, DialTimeout: 5 * time.Second,
		MaxCallSendMsgSize: limit, MaxCallRecvMsgSize: limit, Logger: zap.NewNop(),
	})
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (m *members) dialAt(t *testing.T, endpoints ...string) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{
		Endpoints: endpoints, DialTimeout: 5 * time.Second,
		DialKeepAliveTime: time.Second, DialKeepAliveTimeout: time.Second, Logger: zap.NewNop(),
	})
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// cut separates the clients of dial from the members, and mend ends that.
func (m *members) cut(*testing.T)  { m.each(func(i int) { m.proxies[i].cut() }) }
func (m *members) mend(*testing.T) { m.each(func(i int) { m.proxies[i].mend() }) }

// proxy forwards connections to a member until it is cut. Then it accepts
// connections and forwards nothing, as a network that drops packets.
type proxy struct {
	l  net.Listener
	to string

	mu    sync.Mutex
	isCut bool
	conns []net.Conn
	done  sync.WaitGroup
}

func startProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &proxy{l: l, to: to}
	p.done.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.closeAll()
		p.done.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.l.Addr().String() }

func (p *proxy) accept() {
	for {
		from, err := p.l.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", p.to)
		if err != nil {
			_ = from.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, from, to)
		p.mu.Unlock()
		p.done.Go(func() { p.forward(from, to) })
		p.done.Go(func() { p.forward(to, from) })
	}
}

// forward copies until an end is closed. While the proxy is cut, it drops what it
// reads.
func (p *proxy) forward(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		isCut := p.isCut
		p.mu.Unlock()
		if isCut {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = true
}

// mend forwards again. Connections from before have lost bytes, so they end.
func (p *proxy) mend() {
	p.mu.Lock()
	p.isCut = false
	p.mu.Unlock()
	p.closeAll()
}

func (p *proxy) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// within returns a context for a call of etcd on a busy machine.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
