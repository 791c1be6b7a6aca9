package discovery_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multiformats/go-multiaddr"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/test/clustertest"
	"github.com/pinfleet/pinfleet/test/pyxistest"
	"github.com/pinfleet/pinfleet/test/sourcetest"
)

// test is what sourcetest hands to a setup.
type test = func(*testing.T, sourcetest.Service)

// Every source of this package keeps the contract of Source.
func TestContract(t *testing.T) {
	for name, setup := range map[string]func(*testing.T, test){
		"Static": staticContract, "DNS": dnsContract, "SRV": srvContract, "Cluster": clusterContract,
		"Registry": registryContract, "File": fileContract, "Combine": combineContract,
	} {
		t.Run(name, func(t *testing.T) { sourcetest.Run(t, setup) })
	}
}

var contractAddrs = []string{a1, a2, a3}

func staticContract(t *testing.T, test test) {
	synctest.Test(t, func(t *testing.T) {
		test(t, sourcetest.Service{Source: discovery.Static(cfg(a1), cfg(a2), cfg(a3)), Addrs: contractAddrs})
	})
}

func dnsContract(t *testing.T, test test) {
	s, resolver := newNameServer(t)
	test(t, sourcetest.Service{
		Source: &discovery.DNS{
			Addrs: []multiaddr.Multiaddr{maddr("/dns4/peers.test/tcp/9094")}, Template: &config.Config{Resolver: resolver}, Interval: often,
		},
		Addrs: contractAddrs,
		Set: func(t *testing.T, addrs ...string) {
			var records []dnsmessage.ResourceBody
			for _, addr := range addrs {
				records = append(records, ip(strings.Split(addr, "/")[2]))
			}
			s.set("peers.test", records...)
		},
		Break: func(*testing.T) { s.setBroken(true) },
		Mend:  func(*testing.T) { s.setBroken(false) },
	})
}

func srvContract(t *testing.T, test test) {
	s, resolver := newNameServer(t)
	test(t, sourcetest.Service{
		Source: &discovery.SRV{Name: "_api._tcp.test", Template: &config.Config{Resolver: resolver}, Interval: often},
		Addrs:  []string{"/dns/a.test/tcp/9094", "/dns/b.test/tcp/9094", "/dns/c.test/tcp/9094"},
		Set: func(t *testing.T, addrs ...string) {
			var records []dnsmessage.ResourceBody
			for _, addr := range addrs {
				records = append(records, srv(1, 1, 9094, strings.Split(addr, "/")[2]+"."))
			}
			s.set("_api._tcp.test", records...)
		},
		Break: func(*testing.T) { s.setBroken(true) },
		Mend:  func(*testing.T) { s.setBroken(false) },
	})
}

// The peers of a cluster do not change in this test; other tests remove peers.
func clusterContract(t *testing.T, test test) {
	c := clustertest.New(t, clustertest.Options{Peers: 3})
	peers := c.Peers()
	slices.SortFunc(peers, func(a, b *clustertest.Peer) int { return strings.Compare(string(a.ID()), string(b.ID())) })
	var addrs []string
	for _, p := range peers {
		addrs = append(addrs, p.Addr().String())
	}
	test(t, sourcetest.Service{
		Source: &discovery.Cluster{
			Seeds: []*config.Config{cfg(addrs[0])}, Interval: often,
			Map: func(_ *config.Config, id *api.ID) []multiaddr.Multiaddr {
				i := slices.IndexFunc(peers, func(p *clustertest.Peer) bool { return p.ID() == id.ID })
				return []multiaddr.Multiaddr{peers[i].Addr()}
			},
		},
		Addrs: addrs,
	})
}

func registryContract(t *testing.T, test test) {
	inBubble(t, func(t *testing.T, s *pyxistest.Cluster, dial func() *pyxis.Client) {
		must(t, s.Create("/r", nil))
		held := make(map[string]bool)
		each := func(do func(*pyxistest.Node)) func(*testing.T) {
			return func(*testing.T) {
				for _, n := range s.Nodes() {
					do(n)
				}
			}
		}
		test(t, sourcetest.Service{
			Source: &discovery.Registry{Client: dial(), Path: "/r"},
			Addrs:  contractAddrs,
			Set: func(t *testing.T, addrs ...string) {
				for i, addr := range contractAddrs {
					if slices.Contains(addrs, addr) && !held[addr] {
						must(t, s.Create("/r/"+string(rune('a'+i)), []byte(`{"addr":"`+addr+`"}`)))
						held[addr] = true
					}
				}
				for i, addr := range contractAddrs {
					if !slices.Contains(addrs, addr) && held[addr] {
						must(t, s.Delete("/r/"+string(rune('a'+i))))
						held[addr] = false
					}
				}
			},
			Break:  each(func(n *pyxistest.Node) { n.Mute() }),
			Mend:   each(func(n *pyxistest.Node) { n.Unmute() }),
			Settle: time.Minute,
		})
	})
}

func fileContract(t *testing.T, test test) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(dir, "endpoints.json")
		test(t, sourcetest.Service{
			Source: &discovery.File{Path: path},
			Addrs:  contractAddrs,
			Settle: time.Minute,
			Set: func(t *testing.T, addrs ...string) {
				content, err := json.Marshal(append([]string{}, addrs...))
				must(t, err)
				must(t, os.WriteFile(path+".new", content, 0o600))
				must(t, os.Rename(path+".new", path))
			},
		})
	})
}

func combineContract(t *testing.T, test test) {
	fileContract(t, func(t *testing.T, s sourcetest.Service) {
		s.Source = discovery.Combine(nil, s.Source)
		test(t, s)
	})
}
