package discovery_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/discovery"
)

// Lookups are an interval apart, ± 10 %. After a failure the first retry comes
// sooner, and further ones at growing intervals. Watch ends with its context.
func TestLooksAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards looks and failing
		var looks []time.Time
		failing := false
		src := &discovery.DNS{
			Addrs:    []multiaddr.Multiaddr{maddr("/dnsaddr/a.test")},
			Interval: time.Minute,
			ResolveDNSAddr: func(context.Context, multiaddr.Multiaddr, *net.Resolver) ([]multiaddr.Multiaddr, error) {
				mu.Lock()
				defer mu.Unlock()
				looks = append(looks, time.Now())
				if failing {
					return nil, errors.New("broken")
				}
				return []multiaddr.Multiaddr{maddr(a1)}, nil
			},
		}
		l := listen(t, src)
		time.Sleep(time.Hour)
		mu.Lock()
		gaps := make(map[time.Duration]bool)
		for i := range looks[1:] {
			gap := looks[i+1].Sub(looks[i])
			if gap < 54*time.Second || gap > 66*time.Second {
				t.Errorf("a gap of %v", gap)
			}
			gaps[gap] = true
		}
		if len(looks) < 55 || len(gaps) < 50 {
			t.Errorf("%d looks, %d different gaps", len(looks), len(gaps))
		}
		failing, looks = true, nil
		mu.Unlock()
		time.Sleep(10 * time.Minute)
		l.expect(t, a1)
		mu.Lock()
		defer mu.Unlock()
		if len(looks) < 6+7 || len(looks) > 6+12 {
			t.Errorf("%d looks while failing", len(looks))
		}
		for i, most := range []int{2, 3, 5, 9, 18, 36, 67} { // seconds
			if gap := looks[i+1].Sub(looks[i]); gap > time.Duration(most)*time.Second {
				t.Errorf("gap %d is %v", i, gap)
			}
		}
		if _, n := l.last(); n != 1 {
			t.Errorf("reported %d times", n)
		}
	})
}

// The wait after a failure doubled without a limit, and overflowed after 34 failures in
// a row. Then the source panicked, and with it the program: for a file that was missing,
// after about a minute.
func TestManyFailuresInARow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "endpoints.json")
	synctest.Test(t, func(t *testing.T) {
		l := listen(t, &discovery.File{Path: path})
		time.Sleep(time.Hour)
		must(t, os.WriteFile(path, []byte(`["`+a1+`"]`), 0o600))
		time.Sleep(3 * time.Second)
		l.expect(t, a1)
	})
}

// A name server that was silent about one name delayed the endpoints of all names by 30
// seconds.
func TestSilentNameDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var answers atomic.Bool
		l := listen(t, &discovery.DNS{
			Addrs: []multiaddr.Multiaddr{maddr("/dnsaddr/a.test"), maddr("/dnsaddr/b.test")},
			ResolveDNSAddr: func(ctx context.Context, addr multiaddr.Multiaddr, _ *net.Resolver) ([]multiaddr.Multiaddr, error) {
				if addr.String() == "/dnsaddr/b.test" {
					return []multiaddr.Multiaddr{maddr(a2)}, nil
				}
				if !answers.Load() {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return []multiaddr.Multiaddr{maddr(a1)}, nil
			},
		})
		time.Sleep(2 * time.Second)
		l.expect(t, a2)
		time.Sleep(time.Minute)
		answers.Store(true)
		time.Sleep(time.Minute)
		l.expect(t, a1, a2)
		if _, n := l.last(); n != 2 {
			t.Errorf("reported %d times", n)
		}
	})
}

type tripFunc func(*http.Request) (*http.Response, error)

func (f tripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// With a function as the template's RoundTripper, no two configurations were
// equal, as functions cannot be compared. Each lookup was therefore an update,
// and a load balancer reopened all its endpoints every 30 seconds.
func TestTemplateWithAFunctionIsTheSameEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		src := &discovery.DNS{
			Addrs:    []multiaddr.Multiaddr{maddr("/dnsaddr/a.test")},
			Template: &config.Config{RoundTripper: tripFunc(http.DefaultTransport.RoundTrip)},
			Interval: time.Minute,
			ResolveDNSAddr: func(context.Context, multiaddr.Multiaddr, *net.Resolver) ([]multiaddr.Multiaddr, error) {
				looks++
				return []multiaddr.Multiaddr{maddr(a1)}, nil
			},
		}
		l := listen(t, src)
		time.Sleep(10 * time.Minute)
		l.expect(t, a1)
		if _, n := l.last(); n != 1 || looks < 9 {
			t.Errorf("reported %d times in %d looks, want once", n, looks)
		}
	})
}
