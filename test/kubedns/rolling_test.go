package kubedns

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// podIPs are the addresses that pods get, each for one pod at a time.
var podIPs = []string{"127.0.0.11", "127.0.0.12", "127.0.0.13", "127.0.0.14", "127.0.0.15", "127.0.0.16"}

// startPod starts a peer at an address, on the port that all pods share. A peer is
// a cluster of its own, because the peers of one test cluster have different ports.
func startPod(t *testing.T, ip string, port int) *clustertest.Peer {
	t.Helper()
	return clustertest.New(t, clustertest.Options{Peers: 1, Hosts: []string{ip}, BasePort: port}).Peer(0)
}

// load calls a load balancer from several goroutines until the end of the test, and
// fails the test at the first call that fails.
type load struct{ calls atomic.Int64 }

func startLoad(t *testing.T, src discovery.Source) *load {
	t.Helper()
	lb, err := lbclient.NewFromSource(t.Context(), &strategy.RoundRobin{}, src, 3)
	must(t, err)
	ctx, end := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	t.Cleanup(func() {
		end()
		callers.Wait()
		must(t, lb.Close())
	})
	l := new(load)
	for range 4 {
		callers.Go(func() {
			for ctx.Err() == nil {
				if err := l.call(ctx, lb); err != nil && ctx.Err() == nil {
					t.Errorf("a call failed: %v", err)
					return
				}
			}
		})
	}
	return l
}

// call makes a call of each kind: a read, an add, a write and a listing.
func (l *load) call(ctx context.Context, lb client.Client) error {
	if _, err := lb.ID(ctx); err != nil {
		return err
	}
	added, err := client.AddBytes(ctx, lb, "hello.txt", []byte("hello"), nil)
	if err != nil {
		return err
	}
	if _, err := lb.Pin(ctx, added.Root, api.PinOptions{}); err != nil {
		return err
	}
	if _, err := client.Collect(lb.Allocations(ctx, api.AllType)); err != nil {
		return err
	}
	l.calls.Add(4)
	return nil
}

// awaitCalls waits until n further calls have succeeded.
func (l *load) awaitCalls(t *testing.T, n int64) {
	t.Helper()
	for until := l.calls.Load() + n; l.calls.Load() < until && !t.Failed(); {
		poll(t)
	}
}

// awaitServes waits until the pod has served calls, which shows that it is in use.
func (l *load) awaitServes(t *testing.T, pod *clustertest.Peer) {
	t.Helper()
	for pod.Count("GET /id") == 0 && !t.Failed() {
		poll(t)
	}
}

// A rolling restart of a StatefulSet with A records: each pod goes, its address leaves
// the records later, and another comes at a new address. No call fails.
func TestRollingRestartOfAddresses(t *testing.T) {
	testenv.MustHaveAddress(t, podIPs...)
	port := testenv.FreePorts(t, 3)
	s := newNameServer(t)
	running := make(map[string]*clustertest.Peer)
	ready := podIPs[:3:3]
	for _, ip := range ready {
		running[ip] = startPod(t, ip, port)
	}
	publish := func() { s.set(service, addresses(service, ready...)...) }
	publish()
	src := headless(resolverAt(t, s.addr), service)
	src.Addrs[0] = multiaddrWithPort(strings.TrimSuffix(service, "."), port)
	l := startLoad(t, src)
	for _, ip := range podIPs[:3] {
		l.awaitServes(t, running[ip])
	}
	for i, ip := range podIPs[:3] {
		running[ip].Stop()
		l.awaitCalls(t, 40)
		ready = ready[1:]
		publish()
		l.awaitCalls(t, 40)
		next := podIPs[3+i]
		running[next] = startPod(t, next, port)
		l.awaitCalls(t, 40)
		ready = append(ready, next)
		publish()
		l.awaitServes(t, running[next])
	}
	for _, outage := range []func(){
		func() { s.set(service) },
		func() { s.remove(service) },
		func() { s.change(func(s *nameServer) { s.rcode = dns.RcodeServerFailure }) },
	} {
		outage()
		s.awaitAnswers(t, service, 4)
		l.awaitCalls(t, 40)
	}
}

// The same with the names of pods, of which a restart changes only the addresses. They
// are looked up at each dial: even if the SRV records are read only once, no call fails
// while all pods move to other addresses, nor afterwards while the name server fails.
func TestRollingRestartOfNames(t *testing.T) {
	testenv.MustHaveAddress(t, podIPs...)
	port := testenv.FreePorts(t, 3)
	s := newNameServer(t)
	names := []string{"peer-0", "peer-1", "peer-2"}
	running := make(map[string]*clustertest.Peer)
	start := func(name, ip string) {
		running[name] = startPod(t, ip, port)
		s.set(name+"."+service, addresses(name+"."+service, ip)...)
	}
	for i, name := range names {
		start(name, podIPs[i])
	}
	s.set(srvName+".", services(uint16(port), names...)...)
	src := perPod(resolverAt(t, s.addr))
	src.Interval = time.Hour
	l := startLoad(t, src)
	for _, name := range names {
		l.awaitServes(t, running[name])
	}
	for i, name := range names {
		running[name].Stop()
		l.awaitCalls(t, 40)
		s.remove(name + "." + service)
		l.awaitCalls(t, 40)
		start(name, podIPs[3+i])
		l.awaitServes(t, running[name])
	}
	s.change(func(s *nameServer) { s.rcode = dns.RcodeServerFailure })
	l.awaitCalls(t, 200)
}

// A service scaled to zero and back: after the first pod has come back, at another
// address, calls succeed again.
func TestScaledToZeroAndBack(t *testing.T) {
	testenv.MustHaveAddress(t, podIPs...)
	port := testenv.FreePorts(t, 3)
	s := newNameServer(t)
	first := startPod(t, podIPs[0], port)
	s.set(service, addresses(service, podIPs[0])...)
	src := headless(resolverAt(t, s.addr), service)
	src.Addrs[0] = multiaddrWithPort(strings.TrimSuffix(service, "."), port)
	lb, err := lbclient.NewFromSource(t.Context(), &strategy.RoundRobin{}, src, 1)
	must(t, err)
	defer lb.Close()
	_, err = lb.ID(t.Context())
	must(t, err)
	first.Stop()
	s.set(service)
	if _, err := lb.ID(t.Context()); err == nil {
		t.Fatal("a call succeeded without a pod")
	}
	second := startPod(t, podIPs[1], port)
	s.set(service, addresses(service, podIPs[1])...)
	for endpointsOf(lb) != "/ip4/"+podIPs[1] {
		poll(t)
	}
	id, err := lb.ID(t.Context())
	must(t, err)
	if id.ID != second.ID() {
		t.Errorf("%s answered, want the second pod", id.ID)
	}
}

// endpointsOf returns the addresses of the endpoints without their ports.
func endpointsOf(lb *lbclient.Client) string {
	var names []string
	for _, ep := range lb.Endpoints() {
		name, _, _ := strings.Cut(ep.Endpoint, "/tcp/")
		names = append(names, name)
	}
	return strings.Join(names, " ")
}
