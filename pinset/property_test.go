package pinset_test

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// overMemory starts a cluster in a synctest bubble, and returns a client of all of its peers.
func overMemory(opts clustertest.Options) (*clustertest.Cluster, client.Client, func(), error) {
	opts.Listen = clustertest.Memory
	cluster, err := clustertest.Start(opts)
	if err != nil {
		return nil, nil, nil, err
	}
	var peers []client.Client
	var transports []*http.Transport
	for _, p := range cluster.Peers() {
		transport := &http.Transport{DialContext: p.DialContext}
		transports = append(transports, transport)
		c, err := client.NewDefaultClient(&config.Config{RoundTripper: transport})
		if err != nil {
			return nil, nil, nil, err
		}
		peers = append(peers, c)
	}
	c, err := lbclient.New(&strategy.RoundRobin{}, peers, 1)
	return cluster, c, func() {
		c.Close()
		for _, transport := range transports {
			transport.CloseIdleConnections()
		}
		cluster.Close()
		synctest.Wait()
	}, err
}

// scenario is what happens in one run of TestSyncProperty.
type scenario struct {
	have, want []drawnPin
	broken     bool    // the source has a line that cannot be read
	share      float64 // to delete at most; negative for no deletion
	faults     []drawnFault
	stopped    int // peer that is down during the Sync, or -1
}

// drawnPin is a pin of testCid(i). expires is set if it has an expiry.
type drawnPin struct {
	i       int
	opts    api.PinOptions
	expires bool
}

type drawnFault struct {
	peer  int
	fault clustertest.Fault
}

func drawScenario(t *rapid.T) scenario {
	s := scenario{
		have:   drawPins(t, "have"),
		want:   drawPins(t, "want"),
		broken: rapid.Bool().Draw(t, "with a broken line"),
		share:  rapid.SampledFrom([]float64{-1, 0, 0.3, 1}).Draw(t, "share to delete"),

		stopped: rapid.IntRange(-1, 2).Draw(t, "stopped peer"),
	}
	for range rapid.IntRange(0, 4).Draw(t, "faults") {
		s.faults = append(s.faults, drawnFault{rapid.IntRange(0, 2).Draw(t, "peer"), clustertest.Fault{
			Route:  rapid.SampledFrom([]string{"POST /pins/{hash}", "DELETE /pins/{hash}"}).Draw(t, "route"),
			Skip:   rapid.IntRange(0, 10).Draw(t, "skip"),
			Times:  rapid.SampledFrom([]int{0, 1, 5}).Draw(t, "times"),
			Effect: faults[rapid.SampledFrom(slices.Sorted(maps.Keys(faults))).Draw(t, "effect")],
		}})
	}
	return s
}

var faults = map[string]clustertest.Effect{
	"overloaded": clustertest.ErrorAnswer(http.StatusServiceUnavailable, "overloaded"),
	"limited":    clustertest.ErrorAnswer(http.StatusTooManyRequests, "slow down", "Retry-After", "1"),
	"broken":     clustertest.ErrorAnswer(http.StatusInternalServerError, "datastore is broken"),
	"cut before": clustertest.CutBefore(),
	"cut after":  clustertest.CutAfter(),
	"gateway":    clustertest.AnswerAfter(http.StatusBadGateway, "bad gateway"),
}

// drawPins returns a random pinset of few CIDs, so that two of them have many in common.
func drawPins(t *rapid.T, label string) []drawnPin {
	var pins []drawnPin
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, 40), 0, 40, rapid.ID[int]).Draw(t, label) {
		pins = append(pins, drawnPin{
			i: i,
			opts: api.PinOptions{
				Name:                 rapid.SampledFrom([]string{"", "a", "ä, \"b\""}).Draw(t, "name"),
				ReplicationFactorMin: rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "minimum"),
				ReplicationFactorMax: rapid.SampledFrom([]int{0, 2, 3}).Draw(t, "maximum"),
				Metadata:             rapid.SampledFrom([]map[string]string{nil, {"k": "v"}, {"k": "v", "l": ""}}).Draw(t, "metadata"),
			},
			expires: rapid.Bool().Draw(t, "expires"),
		})
	}
	return pins
}

// pins returns the pins themselves.
func pins(drawn []drawnPin) []*api.Pin {
	var all []*api.Pin
	for _, d := range drawn {
		pin := api.PinWithOpts(testCid(d.i), d.opts)
		if d.expires {
			pin.ExpireAt = time.Now().Add(24 * time.Hour)
		}
		all = append(all, &pin)
	}
	return all
}

// TestSyncProperty: for random pinsets and faults, both sides are equal after a Sync without
// errors. After errors, every difference that is left is among them.
func TestSyncProperty(t *testing.T) {
	clean, failed := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScenario(rt)
		var errs []error
		var unexplained error
		synctest.Test(t, func(t *testing.T) { errs, unexplained = s.play(t) })
		if unexplained != nil {
			rt.Fatal(unexplained)
		}
		if len(errs) == 0 {
			clean++
		} else {
			failed++
		}
	})
	// A quarter of the runs is without errors, so that the few of -short may lack them.
	if runs := clean + failed; runs >= 100 && (clean < 5 || failed < 5) {
		t.Errorf("%d runs without errors and %d with errors: the test shows nothing", clean, failed)
	}
}

// play runs the scenario in a bubble. It returns the errors of the Sync, and an error if a
// difference is left that is not among them.
func (s scenario) play(t *testing.T) (errs []error, unexplained error) {
	cluster, c, end, err := overMemory(clustertest.Options{ReplicationFactorMin: 2, ReplicationFactorMax: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	if _, errs := collect(pinset.Pin(t.Context(), c, source(pins(s.have)...))); len(errs) > 0 {
		t.Fatalf("pins of the cluster: %v", errs)
	}
	opts := []pinset.Option{pinset.WithPatience(5 * time.Second)}
	if s.share >= 0 {
		opts = append(opts, pinset.WithDelete(), pinset.WithMaxDelete(s.share))
	}
	for _, f := range s.faults {
		cluster.Peer(f.peer).Inject(f.fault)
	}
	if s.stopped >= 0 {
		cluster.Peer(s.stopped).Stop()
	}
	want := pins(s.want)
	src := source(want...)
	if s.broken {
		src = appendError(src, errBroken)
	}
	_, errs = collect(pinset.Sync(t.Context(), c, src, opts...))
	return errs, explain(differences(want, cluster.Pinset()), errs, s.share >= 0)
}

// differences returns the kind of each difference, by CID. It compares the pins themselves.
func differences(want []*api.Pin, stored []api.Pin) map[string]pinset.ChangeKind {
	left := map[string]pinset.ChangeKind{}
	have := map[string]api.Pin{}
	for _, pin := range stored {
		have[pin.Cid.String()] = pin
	}
	for _, pin := range want {
		found, ok := have[pin.Cid.String()]
		delete(have, pin.Cid.String())
		if !ok {
			left[pin.Cid.String()] = pinset.Missing
		} else if !equal(pin, &found) {
			left[pin.Cid.String()] = pinset.Different
		}
	}
	for ci := range have {
		left[ci] = pinset.Extra
	}
	return left
}

var errBroken = errors.New("broken line")

// explain returns an error if a difference is left that is not among the errors.
func explain(left map[string]pinset.ChangeKind, errs []error, remove bool) error {
	failed := map[string]bool{}
	all, extra := false, !remove
	for _, err := range errs {
		var item *pinset.ItemError
		switch {
		case errors.As(err, &item):
			failed[item.Cid.String()] = true
		case errors.Is(err, pinset.ErrNotDeleted):
			extra = true
		case err != errBroken:
			all = true // it has ended the work
		}
	}
	for ci, kind := range left {
		if !failed[ci] && !all && !(extra && kind == pinset.Extra) {
			return fmt.Errorf("%s is %s, which is not among the errors %v", ci, kind, errs)
		}
	}
	return nil
}

// equal reports whether a pin of the cluster has the options of one of the source.
func equal(want, have *api.Pin) bool {
	same := func(a, b int) bool { return a == 0 || a == b }
	return want.Name == have.Name && fmt.Sprint(want.Metadata) == fmt.Sprint(have.Metadata) &&
		want.ExpireAt.Truncate(time.Second).Equal(have.ExpireAt) &&
		same(want.ReplicationFactorMin, have.ReplicationFactorMin) && same(want.ReplicationFactorMax, have.ReplicationFactorMax)
}

// appendError returns src followed by an error.
func appendError(src iter.Seq2[*api.Pin, error], err error) iter.Seq2[*api.Pin, error] {
	return func(yield func(*api.Pin, error) bool) {
		for pin, err := range src {
			if !yield(pin, err) {
				return
			}
		}
		yield(nil, err)
	}
}
