package discovery_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multihash"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
)

// hosts is a RoundTripper that reaches simulated hosts. A host that has no peer
// accepts every request and never answers.
type hosts struct {
	mu      sync.Mutex
	peers   map[string]peer.ID // by IP address
	lists   map[string]bool    // hosts that answer a request for the list of peers
	listed  []*api.ID
	refuse  bool           // instead of silence
	asked   map[string]int // requests for the ID, by IP address
	running int            // requests under way
	most    int            // the most at a time
}

func newHosts() *hosts {
	return &hosts{peers: make(map[string]peer.ID), lists: make(map[string]bool), asked: make(map[string]int)}
}

// add adds a peer that answers at ip, or at no address if up is false, and that
// is listed with these addresses.
func (h *hosts) add(up bool, ips ...string) peer.ID {
	h.mu.Lock()
	defer h.mu.Unlock()
	sum, err := multihash.Sum([]byte(ips[0]), multihash.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	entry := &api.ID{ID: peer.ID(sum)}
	for _, ip := range ips {
		entry.Addresses = append(entry.Addresses, api.Multiaddr("/ip4/"+ip+"/tcp/9096"))
	}
	h.listed = append(h.listed, entry)
	if up {
		h.peers[ips[len(ips)-1]] = entry.ID
		h.lists[ips[len(ips)-1]] = true
	}
	return entry.ID
}

func (h *hosts) seed(ip string) *config.Config {
	return &config.Config{Host: ip, RoundTripper: h}
}

// addrs returns the addresses of the peers at these hosts as the source reports them.
func (h *hosts) addrs(ips ...string) []string {
	slices.SortFunc(ips, func(a, b string) int { return strings.Compare(string(h.peers[a]), string(h.peers[b])) })
	var addrs []string
	for _, ip := range ips {
		addrs = append(addrs, "http://"+ip+":9094")
	}
	return addrs
}

func (h *hosts) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	h.running++
	h.most = max(h.most, h.running)
	ip := r.URL.Hostname()
	id, up := h.peers[ip]
	var answer any = &api.ID{ID: id}
	if r.URL.Path == "/peers" {
		answer, up = h.listed, h.lists[ip]
	} else {
		h.asked[ip]++
	}
	refuse := h.refuse
	h.mu.Unlock()
	defer h.set(func() { h.running-- })
	if !up && refuse {
		return nil, errors.New("refused")
	}
	if !up {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	body, err := json.Marshal(answer)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body))}, err
}

// expectHosts fails unless the last report has the peers at these hosts.
func (l *listener) expectHosts(t *testing.T, h *hosts, ips ...string) {
	t.Helper()
	synctest.Wait()
	cfgs, _ := l.last()
	var got []string
	for _, cfg := range cfgs {
		a, err := cfg.Address()
		must(t, err)
		got = append(got, a.URL().String())
	}
	if want := h.addrs(ips...); !slices.Equal(got, want) {
		t.Fatalf("reported %q, want %q", got, want)
	}
}

// onlyGrew fails if a report lacks an endpoint of the one before.
func (l *listener) onlyGrew(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.reports[1:] {
		for _, cfg := range l.reports[i] {
			if !slices.Contains(l.reports[i+1], cfg) {
				t.Errorf("report %d lacks %s", i+1, cfg)
			}
		}
	}
}

// E11: candidates that accept a connection and never answer delayed the first
// endpoints, and even the seeds: with 16 silent peers at two addresses each, there was
// no endpoint for 12 seconds. The peers that answer are reported at once, even if their
// first address is silent.
func TestSilentCandidatesDelayNoOtherPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts()
		h.add(true, "10.0.0.1")
		for i := range 16 {
			h.add(false, fmt.Sprintf("10.1.0.%d", i), fmt.Sprintf("10.2.0.%d", i))
		}
		h.add(true, "10.0.0.2")
		h.add(true, "10.3.0.1", "10.0.0.3")
		l := listen(t, &discovery.Cluster{Seeds: []*config.Config{h.seed("10.0.0.1")}})
		l.expectHosts(t, h, "10.0.0.1", "10.0.0.2")
		time.Sleep(time.Second)
		l.expectHosts(t, h, "10.0.0.1", "10.0.0.2", "10.0.0.3")
		time.Sleep(10 * time.Minute)
		l.expectHosts(t, h, "10.0.0.1", "10.0.0.2", "10.0.0.3")
		l.onlyGrew(t)
		if _, n := l.last(); n > 3 {
			t.Errorf("reported %d times", n)
		}
		h.set(func() { h.peers["10.2.0.7"] = h.listed[8].ID })
		time.Sleep(time.Minute)
		l.expectHosts(t, h, "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.2.0.7")
	})
}

// E11, continued: a seed that answers is an endpoint at once, even if another seed is
// silent, and even before there is a list of peers. A silent seed delayed the list by 15
// seconds.
func TestSilentSeedsDelayNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts()
		h.add(true, "10.0.0.1")
		h.add(true, "10.0.0.2")
		h.lists = map[string]bool{}
		seeds := []*config.Config{h.seed("10.0.0.8"), h.seed("10.0.0.1"), h.seed("10.0.0.9")}
		l := listen(t, &discovery.Cluster{Seeds: seeds})
		l.expectHosts(t, h, "10.0.0.1")
		time.Sleep(5 * time.Minute)
		l.expectHosts(t, h, "10.0.0.1")
		h.set(func() { h.lists["10.0.0.1"] = true })
		time.Sleep(2 * time.Minute)
		l.expectHosts(t, h, "10.0.0.1", "10.0.0.2")
		l.onlyGrew(t)
	})
	synctest.Test(t, func(t *testing.T) {
		h := newHosts()
		h.add(true, "10.0.0.1")
		h.add(true, "10.0.0.2")
		l := listen(t, &discovery.Cluster{Seeds: []*config.Config{h.seed("10.0.0.8"), h.seed("10.0.0.1")}})
		time.Sleep(5 * time.Second)
		l.expectHosts(t, h, "10.0.0.1", "10.0.0.2")
	})
}

// A seed that is in no list of peers is dropped like any other peer, and stays so.
func TestSeedThatIsNoMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts()
		h.add(true, "10.0.0.9")
		h.listed = nil
		h.add(true, "10.0.0.1")
		h.set(func() { clear(h.lists) })
		l := listen(t, &discovery.Cluster{Seeds: []*config.Config{h.seed("10.0.0.1"), h.seed("10.0.0.9")}})
		l.expectHosts(t, h, "10.0.0.1", "10.0.0.9")
		h.set(func() { h.lists["10.0.0.1"] = true })
		time.Sleep(5 * time.Minute)
		l.expectHosts(t, h, "10.0.0.1")
		_, n := l.last()
		time.Sleep(time.Hour)
		if _, now := l.last(); now != n {
			t.Errorf("reported %d times more", now-n)
		}
	})
}

// E11, continued: a hostile list of 1,000 peers with 16 addresses each took 2.8 hours.
// A look is bounded in time and in the number of addresses asked, and looks go on where
// the last one stopped, so that an honest peer is found wherever it is in the list. The
// log is bounded, too.
func TestHostileListIsBounded(t *testing.T) {
	for name, refuse := range map[string]bool{"silent": false, "refused": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHosts()
				h.refuse = refuse
				h.add(true, "10.0.0.1")
				for i := range 998 {
					var ips []string
					for j := range 16 {
						ips = append(ips, fmt.Sprintf("10.%d.%d.%d", 1+j, i/250, i%250))
					}
					h.add(false, ips...)
				}
				h.add(true, "10.100.0.1", "10.0.0.2")
				log := newLogBuffer()
				l := listen(t, &discovery.Cluster{Seeds: []*config.Config{h.seed("10.0.0.1")}, Interval: time.Hour, Logger: slog.New(slog.NewTextHandler(log, nil))})
				l.expectHosts(t, h, "10.0.0.1")
				time.Sleep(45 * time.Second) // longer than a look
				total := 0
				h.set(func() {
					for _, n := range h.asked {
						total += n
					}
					if h.running > 0 {
						t.Errorf("%d requests are still under way", h.running)
					}
					if h.most > 64+2 {
						t.Errorf("%d requests at a time", h.most)
					}
				})
				if total < 200 || total > 512+1 {
					t.Errorf("%d addresses asked in one look", total)
				}
				time.Sleep(4 * time.Hour)
				l.expectHosts(t, h, "10.0.0.1", "10.0.0.2")
				if lines := strings.Count(log.all(), "\n"); lines > 6*20 {
					t.Errorf("%d lines logged", lines)
				}
			})
		})
	}
}

// A list that comes late, or from nobody, drops no endpoint and repeats no report.
func TestSlowLookDropsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts()
		h.add(true, "10.0.0.1")
		h.add(true, "10.0.0.2")
		l := listen(t, &discovery.Cluster{Seeds: []*config.Config{h.seed("10.0.0.1")}})
		l.expectHosts(t, h, "10.0.0.1", "10.0.0.2")
		_, n := l.last()
		h.set(func() { clear(h.peers); clear(h.lists) })
		time.Sleep(time.Hour)
		if _, now := l.last(); now != n {
			t.Errorf("reported %d times more", now-n)
		}
	})
}

// A peer that is listed with very many addresses costs no more than others. The
// Mapping compares each address with the others.
func TestManyAddressesOfAPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts()
		h.add(true, "10.0.0.1")
		var ips []string
		for i := range 20_000 {
			ips = append(ips, fmt.Sprintf("10.1.%d.%d", i/250, i%250))
		}
		h.add(false, ips...)
		most := 0
		listen(t, &discovery.Cluster{Seeds: []*config.Config{h.seed("10.0.0.1")}, Map: func(_ *config.Config, id *api.ID) []multiaddr.Multiaddr {
			most = max(most, len(id.Addresses))
			return nil
		}}).expectHosts(t, h, "10.0.0.1")
		if most == 0 || most > 128 {
			t.Errorf("the Mapping got %d addresses", most)
		}
	})
}
