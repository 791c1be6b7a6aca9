package kubedns

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/test/sourcetest"
)

// often is the interval between lookups.
const often = 20 * time.Millisecond

const srvName = "_api._tcp.peers.ns.svc.cluster.local"

// headless returns the source for the A and AAAA records of a headless service.
func headless(r *net.Resolver, names ...string) *discovery.DNS {
	d := &discovery.DNS{Template: &config.Config{Resolver: r}, Interval: often}
	for _, name := range names {
		d.Addrs = append(d.Addrs, multiaddrWithPort(strings.TrimSuffix(name, "."), 9094))
	}
	return d
}

func multiaddrWithPort(name string, port int) multiaddr.Multiaddr {
	return multiaddr.StringCast(fmt.Sprintf("/dns/%s/tcp/%d", name, port))
}

// perPod returns the source for the SRV records of a headless service.
func perPod(r *net.Resolver) *discovery.SRV {
	return &discovery.SRV{Name: srvName, Template: &config.Config{Resolver: r}, Interval: often}
}

// pods returns n addresses of pods, and the endpoints that they make.
func pods(n int) (ips, endpoints []string) {
	for i := range n {
		ips = append(ips, fmt.Sprintf("10.0.0.%d", 100+i)) // sorted by name too
		endpoints = append(endpoints, "/ip4/"+ips[i]+"/tcp/9094")
	}
	return ips, endpoints
}

// Both sources keep the contract with a name server that answers over UDP and TCP,
// rotates records and gives NODATA for a service without pods.
func TestContract(t *testing.T) {
	t.Run("DNS", func(t *testing.T) {
		sourcetest.Run(t, func(t *testing.T, test func(*testing.T, sourcetest.Service)) {
			s := newNameServer(t)
			_, endpoints := pods(3)
			test(t, sourcetest.Service{
				Source: headless(resolverAt(t, s.addr), service), Addrs: endpoints,
				Set: func(_ *testing.T, addrs ...string) {
					var ips []string
					for _, addr := range addrs {
						ips = append(ips, strings.Split(addr, "/")[2])
					}
					s.set(service, addresses(service, ips...)...)
				},
				Break: func(*testing.T) { s.change(func(s *nameServer) { s.rcode = dns.RcodeServerFailure }) },
				Mend:  func(*testing.T) { s.change(func(s *nameServer) { s.rcode = 0 }) },
			})
		})
	})
	t.Run("SRV", func(t *testing.T) {
		sourcetest.Run(t, func(t *testing.T, test func(*testing.T, sourcetest.Service)) {
			s := newNameServer(t)
			test(t, sourcetest.Service{
				Source: perPod(resolverAt(t, s.addr)), Addrs: []string{podEndpoint("peer-0"), podEndpoint("peer-1"), podEndpoint("peer-2")},
				Set: func(_ *testing.T, addrs ...string) {
					var names []string
					for _, addr := range addrs {
						name, _, _ := strings.Cut(strings.TrimPrefix(addr, "/dns/"), ".")
						names = append(names, name)
					}
					s.set(srvName+".", services(9094, names...)...)
				},
				Break: func(*testing.T) { s.change(func(s *nameServer) { s.rcode = dns.RcodeRefused }) },
				Mend:  func(*testing.T) { s.change(func(s *nameServer) { s.rcode = 0 }) },
			})
		})
	})
}

func podEndpoint(pod string) string {
	return "/dns/" + pod + "." + strings.TrimSuffix(service, ".") + "/tcp/9094"
}

// A service comes, is emptied (NODATA), deleted (NXDOMAIN), and comes back with other
// pods. A second service is not affected.
func TestServicesComeAndGo(t *testing.T) {
	const other = "other.ns.svc.cluster.local."
	s := newNameServer(t)
	s.set(other, addresses(other, "10.9.0.1", "fd00::1")...)
	await := sourcetest.Await(t, headless(resolverAt(t, s.addr), service, other))
	rest := []string{"/ip4/10.9.0.1/tcp/9094", "/ip6/fd00::1/tcp/9094"}
	with := func(endpoints ...string) []string { return append(endpoints, rest...) }

	await(with()...)
	s.set(service, addresses(service, "10.0.0.1", "10.0.0.2")...)
	await(with("/ip4/10.0.0.1/tcp/9094", "/ip4/10.0.0.2/tcp/9094")...)

	s.set(service) // NODATA
	s.awaitAnswers(t, service, 4)
	rest = []string{"/ip4/10.9.0.2/tcp/9094"}
	s.set(other, addresses(other, "10.9.0.2")...)
	await(with("/ip4/10.0.0.1/tcp/9094", "/ip4/10.0.0.2/tcp/9094")...)

	s.remove(service) // NXDOMAIN
	s.awaitAnswers(t, service, 4)
	rest = []string{"/ip4/10.9.0.3/tcp/9094"}
	s.set(other, addresses(other, "10.9.0.3")...)
	await(with("/ip4/10.0.0.1/tcp/9094", "/ip4/10.0.0.2/tcp/9094")...)

	s.set(service, addresses(service, "10.0.0.3")...)
	await(with("/ip4/10.0.0.3/tcp/9094")...)
}

// An answer that does not fit a datagram is fetched over TCP, whether the name server
// knows EDNS0 (100 pods) or not (60).
func TestManyPods(t *testing.T) {
	for _, test := range []struct {
		name    string
		pods    int
		noEDNS0 bool
		overTCP bool
	}{
		{"60 with EDNS0", 60, false, false},
		{"60 without EDNS0", 60, true, true},
		{"100 with EDNS0", 100, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newNameServer(t)
			s.noEDNS0 = test.noEDNS0
			ips, endpoints := pods(test.pods)
			s.set(service, addresses(service, ips...)...)
			await := sourcetest.Await(t, headless(resolverAt(t, s.addr), service))
			await(endpoints...)
			s.change(func(s *nameServer) {
				if got := s.overTCP > 0; got != test.overTCP {
					t.Errorf("asked over TCP: %v, want %v", got, test.overTCP)
				}
			})
		})
	}
}

// The SRV records of 60 pods have about 4 KiB and come over TCP.
func TestManyPodNames(t *testing.T) {
	s := newNameServer(t)
	var names, endpoints []string
	for i := range 60 {
		names = append(names, fmt.Sprintf("peer-%02d", i))
		endpoints = append(endpoints, podEndpoint(names[i]))
	}
	s.set(srvName+".", services(9094, names...)...)
	await := sourcetest.Await(t, perPod(resolverAt(t, s.addr)))
	await(endpoints...)
	s.change(func(s *nameServer) {
		if s.overTCP == 0 {
			t.Error("all records came in a datagram")
		}
	})
}

// A cache between the resolver and the name server delays a change by the TTL, and the
// appearance of a service by the negative TTL, and does no other harm.
func TestCache(t *testing.T) {
	s := newNameServer(t)
	c := newCache(t, s.addr)
	await := sourcetest.Await(t, discovery.Combine(nil, discovery.Static(&config.Config{APIAddr: multiaddr.StringCast("/ip4/10.9.9.9/tcp/1")}),
		headless(resolverAt(t, c.addr), service)))
	awaitHits := func() {
		t.Helper()
		for hits := c.hitCount(); c.hitCount() < hits+4; {
			poll(t)
		}
	}
	awaitHits() // NXDOMAIN
	s.set(service, addresses(service, "10.0.0.1")...)
	awaitHits()
	await("/ip4/10.9.9.9/tcp/1")
	c.advance(negativeTTL * time.Second)
	await("/ip4/10.9.9.9/tcp/1", "/ip4/10.0.0.1/tcp/9094")

	s.set(service, addresses(service, "10.0.0.2")...)
	awaitHits()
	await("/ip4/10.9.9.9/tcp/1", "/ip4/10.0.0.1/tcp/9094")
	c.advance(positiveTTL * time.Second)
	await("/ip4/10.9.9.9/tcp/1", "/ip4/10.0.0.2/tcp/9094")
}

// While the name server does not answer for one name, the endpoints of the others are
// reported.
func TestSlowServer(t *testing.T) {
	const slow = "slow.ns.svc.cluster.local."
	s := newNameServer(t)
	release := s.hold(slow)
	t.Cleanup(release)
	s.set(slow, addresses(slow, "10.0.0.1")...)
	s.set(service, addresses(service, "10.0.0.2")...)
	await := sourcetest.Await(t, headless(resolverAt(t, s.addr), slow, service))
	await("/ip4/10.0.0.2/tcp/9094")
	release()
	await("/ip4/10.0.0.1/tcp/9094", "/ip4/10.0.0.2/tcp/9094")
}

// Each failure of the name server leaves the endpoints in use.
func TestFailingServer(t *testing.T) {
	for _, rcode := range []int{dns.RcodeServerFailure, dns.RcodeRefused, dns.RcodeFormatError, dns.RcodeNotImplemented} {
		t.Run(dns.RcodeToString[rcode], func(t *testing.T) {
			s := newNameServer(t)
			s.set(service, addresses(service, "10.0.0.1")...)
			await := sourcetest.Await(t, headless(resolverAt(t, s.addr), service))
			await("/ip4/10.0.0.1/tcp/9094")
			s.change(func(s *nameServer) { s.rcode = rcode })
			s.set(service, addresses(service, "10.0.0.2")...)
			s.awaitAnswers(t, service, 4)
			await("/ip4/10.0.0.1/tcp/9094")
			s.change(func(s *nameServer) { s.rcode = 0 })
			await("/ip4/10.0.0.2/tcp/9094")
		})
	}
}

// awaitAnswers waits for n further queries of a name. The answer to the last of them
// may be under way.
func (s *nameServer) awaitAnswers(t *testing.T, name string, n int) {
	t.Helper()
	count := func() (found int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, asked := range s.asked {
			if asked == name {
				found++
			}
		}
		return found
	}
	for before := count(); count() < before+n; {
		poll(t)
	}
}

// poll waits a moment before a condition of a real socket is looked at again.
func poll(t *testing.T) {
	t.Helper()
	select {
	case <-time.After(time.Millisecond):
	case <-t.Context().Done():
		t.Fatal("the test was cut short")
	}
}
