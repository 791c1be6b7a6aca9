package etcd_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"

	"github.com/pinfleet/pinfleet/internal/heldport"
)

// members is an etcd of three members in this process. Clients reach each member
// through one of two proxies: those of direct through a door, which works while the
// member runs, and those of dial through a line, which can be cut as well.
type members struct {
	configs      []*embed.Config
	doors, lines []*proxy

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
		peer, client := heldURL(t), heldURL(t)
		cfg := embed.NewConfig()
		cfg.Name, cfg.Dir = fmt.Sprintf("m%d", i), t.TempDir()
		cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
		cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
		cfg.TickMs, cfg.ElectionMs = 50, 500
		cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
		cfg.UnsafeNoFsync = true
		cfg.MaxTxnOps = 2000 // a thousand endpoints change in one transaction
		cfg.BcryptCost = 4   // the least: passwords of tests need no protection
		m.configs = append(m.configs, cfg)
		m.doors, m.lines = append(m.doors, startProxy(t, client.Host)), append(m.lines, startProxy(t, client.Host))
		initial = append(initial, cfg.Name+"="+peer.String())
	}
	for _, cfg := range m.configs {
		cfg.InitialCluster = strings.Join(initial, ",")
	}
	t.Cleanup(m.stopAll)
	m.startAll(t)
	return m
}

// heldURL returns a URL with a port of loopback that no other socket is given until
// the end of the test, also while the member is stopped.
func heldURL(t *testing.T) url.URL {
	t.Helper()
	port, err := heldport.Hold("127.0.0.1", 0)
	must(t, err)
	t.Cleanup(func() { _ = port.Release() })
	return url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port.Number())}
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
	m.running[i] = e
	m.mu.Unlock()
	must(t, m.doors[i].mend())
	must(t, m.lines[i].mend())
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
	if e == nil {
		return
	}
	e.Server.HardStop() // as a crash: it hands its leadership to nobody
	// Close would wait several seconds for the streams of clients.
	m.doors[i].refuse()
	m.lines[i].refuse()
	e.Close()
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

// dial returns a client that cut separates from the members.
func (m *members) dial(t *testing.T) *clientv3.Client {
	t.Helper()
	return dialAt(t, m.lines, time.Second)
}

// direct returns a client that cut does not separate from the members.
func (m *members) direct(t *testing.T) *clientv3.Client {
	t.Helper()
	return dialAt(t, m.doors, 0)
}

// dialLimited returns a client as direct does that accepts messages of at most limit
// bytes.
func (m *members) dialLimited(t *testing.T, limit int) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{
		Endpoints: []string{m.doors[0].addr}, DialTimeout: 5 * time.Second,
		MaxCallSendMsgSize: limit, MaxCallRecvMsgSize: limit, Logger: zap.NewNop(),
	})
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// dialAt returns a client that notices silence after the time keepalive, if that is
// not 0, or a little later.
func dialAt(t *testing.T, proxies []*proxy, keepalive time.Duration) *clientv3.Client {
	t.Helper()
	var endpoints []string
	for _, p := range proxies {
		endpoints = append(endpoints, p.addr)
	}
	c, err := clientv3.New(clientv3.Config{
		Endpoints: endpoints, DialTimeout: 5 * time.Second,
		DialKeepAliveTime: keepalive, DialKeepAliveTimeout: keepalive, Logger: zap.NewNop(),
	})
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// cut makes the members silent for the clients of dial, refuse makes them refuse
// their connections, and mend ends both.
func (m *members) cut(*testing.T)    { m.each(func(i int) { m.lines[i].mute() }) }
func (m *members) refuse(*testing.T) { m.each(func(i int) { m.lines[i].refuse() }) }
func (m *members) mend(t *testing.T) { m.each(func(i int) { must(t, m.lines[i].mend()) }) }

// within returns a context for a call of etcd on a busy machine.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
