package rules

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"
	prom "github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/contrib/prometheus"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

const (
	// scrapeInterval is the time between two scrapes.
	scrapeInterval = 15 * time.Second
	// length is how long a scenario takes; its fault begins after calm.
	length = 50 * time.Minute
	calm   = 15 * time.Minute
	// peers is the number of endpoints.
	peers = 3
)

// fault is what is wrong with a peer.
type fault struct {
	err  error         // of each call, nil for none
	slow time.Duration // added to each call
	add  error         // of each add
	well bool          // GET /health succeeds all the same
}

// peer is a client whose calls take as long and fail as its fault says.
type peer struct {
	client.Unimplemented
	fault atomic.Pointer[fault]
}

func (p *peer) serve(ctx context.Context, op client.Op) error {
	f := p.fault.Load()
	if f == nil {
		f = &fault{}
	}
	timer := time.NewTimer(10*time.Millisecond + f.slow)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return &client.Error{Op: op, Err: context.Cause(ctx)}
	}
	if op == client.OpAddMultiFile && f.add != nil {
		return f.add
	}
	return f.err
}

func (p *peer) Version(ctx context.Context) (*api.Version, error) {
	return &api.Version{Version: "1.1.6"}, p.serve(ctx, client.OpVersion)
}

func (p *peer) Status(ctx context.Context, ci cid.Cid, _ bool) (*api.GlobalPinInfo, error) {
	return &api.GlobalPinInfo{Cid: api.NewCid(ci)}, p.serve(ctx, client.OpStatus)
}

// Health is quick at a peer that is only slow.
func (p *peer) Health(context.Context) error {
	if f := p.fault.Load(); f != nil && !f.well {
		return f.err
	}
	return nil
}

func (p *peer) Close() error { return nil }

// AddBody reads the body as an upload would.
func (p *peer) AddBody(ctx context.Context, body *client.Body, _ *api.AddParams, out chan<- *api.AddedOutput) error {
	if out != nil {
		defer close(out)
	}
	r, err := body.Open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	buf := make([]byte, 4096)
	for {
		if _, err := r.Read(buf); err != nil {
			return p.serve(ctx, client.OpAddMultiFile)
		}
	}
}

// scrape is what one scrape has found.
type scrape struct {
	at       time.Time
	families []*dto.MetricFamily
}

// simulate runs a load over three peers for length and scrapes it. damage is called
// each second after the calm with the time since.
func simulate(t *testing.T, damage func(after time.Duration, p []*peer)) (scrapes []scrape) {
	synctest.Test(t, func(t *testing.T) {
		metrics, err := prometheus.New()
		must(t, err)
		registry := prom.NewPedanticRegistry()
		registry.MustRegister(metrics)
		var all []*peer
		var clients []client.Client
		for range peers {
			p := &peer{}
			all, clients = append(all, p), append(clients, p)
		}
		lb, err := lbclient.New(&strategy.RoundRobin{}, clients, 2, lbclient.WithHooks(metrics), lbclient.WithHedging())
		must(t, err)
		defer lb.Close()
		must(t, metrics.Observe(lb))
		begin := time.Now()
		for second := range int(length / time.Second) {
			after := time.Duration(second)*time.Second - calm
			if after >= 0 {
				damage(after, all)
			}
			for range 20 {
				go call(t, lb)
			}
			if second%5 == 0 {
				go add(t, lb)
			}
			time.Sleep(time.Second - time.Since(begin)%time.Second)
			if second%int(scrapeInterval/time.Second) == 0 {
				families, err := registry.Gather()
				must(t, err)
				scrapes = append(scrapes, scrape{time.Now(), families})
			}
		}
	})
	return scrapes
}

var someCid = cid.MustParse("bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4")

// call makes a call that may fail; what fails is in the metrics.
func call(t *testing.T, c client.Client) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, _ = c.Version(ctx)
	_, _ = c.Status(ctx, someCid, false)
}

func add(t *testing.T, c client.Client) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r := files.NewMultiFileReader(files.NewMapDirectory(map[string]files.Node{"f": files.NewBytesFile(make([]byte, 10_000))}), true, false)
	_ = c.AddMultiFile(ctx, r, nil, nil)
}

// errUnsent is the error of a peer that cannot be dialled.
var errUnsent = &client.Error{Op: client.OpVersion, Endpoint: "peer", Err: fmt.Errorf("connection refused")}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
