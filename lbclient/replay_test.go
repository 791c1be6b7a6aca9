package lbclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/boxo/files"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// drain reads a listing to its end and returns its error.
func drain[T any](items func(func(T, error) bool)) error {
	for _, err := range items {
		if err != nil {
			return err
		}
	}
	return nil
}

// methods returns, for each operation, a function that makes a call of it.
func methods(ctx context.Context, c client.Client) map[client.Op]func() error {
	ci, opts := testCid(1), api.PinOptions{}
	reader := func() *files.MultiFileReader {
		return files.NewMultiFileReader(files.NewMapDirectory(map[string]files.Node{"a": files.NewBytesFile([]byte("x"))}), true, false)
	}
	return map[client.Op]func() error{
		client.OpID:                  func() error { _, err := c.ID(ctx); return err },
		client.OpPeers:               func() error { _, err := c.Peers(ctx); return err },
		client.OpPeerAdd:             func() error { _, err := c.PeerAdd(ctx, "p"); return err },
		client.OpPeerRm:              func() error { return c.PeerRm(ctx, "p") },
		client.OpAdd:                 func() error { return c.Add(ctx, []string{"x"}, nil, nil) },
		client.OpAddMultiFile:        func() error { return c.AddMultiFile(ctx, reader(), nil, nil) },
		client.OpPin:                 func() error { _, err := c.Pin(ctx, ci, opts); return err },
		client.OpUnpin:               func() error { _, err := c.Unpin(ctx, ci); return err },
		client.OpPinPath:             func() error { _, err := c.PinPath(ctx, "/ipfs/x", opts); return err },
		client.OpUnpinPath:           func() error { _, err := c.UnpinPath(ctx, "/ipfs/x"); return err },
		client.OpAllocations:         func() error { return drain(c.Allocations(ctx, api.AllType)) },
		client.OpAllocation:          func() error { _, err := c.Allocation(ctx, ci); return err },
		client.OpStatus:              func() error { _, err := c.Status(ctx, ci, false); return err },
		client.OpStatusCids:          func() error { return drain(c.StatusCids(ctx, testCids(2), false)) },
		client.OpStatusAll:           func() error { return drain(c.StatusAll(ctx, 0, false)) },
		client.OpRecover:             func() error { _, err := c.Recover(ctx, ci, false); return err },
		client.OpRecoverAll:          func() error { return drain(c.RecoverAll(ctx, false)) },
		client.OpAlerts:              func() error { _, err := c.Alerts(ctx); return err },
		client.OpBandwidthByProtocol: func() error { _, err := c.BandwidthByProtocol(ctx); return err },
		client.OpVersion:             func() error { _, err := c.Version(ctx); return err },
		client.OpIPFS:                func() error { _, _, err := c.IPFS(ctx); return err },
		client.OpConnectGraph:        func() error { _, err := c.ConnectGraph(ctx); return err },
		client.OpMetrics:             func() error { _, err := c.Metrics(ctx, "ping"); return err },
		client.OpMetricNames:         func() error { _, err := c.MetricNames(ctx); return err },
		client.OpRepoGC:              func() error { _, err := c.RepoGC(ctx, false); return err },
		client.OpHealth:              func() error { return c.Health(ctx) },
		client.OpToken:               func() error { _, err := c.Token(ctx); return err },
	}
}

// failure is an error of an attempt, with the replay classes (r, w, a, o) whose calls may be
// sent to another peer after it.
type failure struct {
	name    string
	err     error
	classes string
}

// failures holds failures of each kind. Those of peers that are shutting down are in
// endings.
var failures = []failure{
	{"dial", dialError(), "rwao"},
	// C10: an error of this machine ejected the peer.
	{"local", localError(), "rwao"},
	{"inner client closed", &client.Error{Err: client.ErrClosed}, "rwao"},
	{"cut", brokenError(), "rwa"},
	{"cut after the header", &client.Error{Status: 200, Err: client.ErrIncomplete, MayHaveExecuted: true}, "rwa"},
	{"peer's timeout", &client.Error{Err: context.DeadlineExceeded, MayHaveExecuted: true}, "rwa"},
	{"foreign error", errors.New("whatever"), "rwa"},
	{"429", statusError(429), "rwa"},
	{"500", statusError(500), "r"},
	{"502", statusError(502), "rwa"},
	{"503", statusError(503), "rwa"},
	{"504", statusError(504), "rwa"},
	// C7: writes did not go to another peer after the statuses of CDNs and of
	// proxies' timeouts. The API sends no status above 500.
	{"501", statusError(501), "rwa"},
	{"507", statusError(507), "rwa"},
	{"520", statusError(520), "rwa"},
	{"527", statusError(527), "rwa"},
	{"530", statusError(530), "rwa"},
	{"561", statusError(561), "rwa"},
	{"599", statusError(599), "rwa"},
	// C7: these were final.
	{"407", statusError(407), "rwa"},
	{"408", statusError(408), "rwa"},
	{"421", statusError(421), "rwa"},
	{"425", statusError(425), "rwa"},
	{"trailer", trailerError("hash function name not known"), "r"},
	{"IPFS down", trailerError("failed to put block on all destinations: x"), "ra"},
	{"IPFS down, buffered", &client.Error{Status: 500, Message: ipfsDownText, Err: api.Error{Code: 500, Message: ipfsDownText}, MayHaveExecuted: true}, "ra"},
	// A peer that redirected all requests to a login page stayed healthy, and its
	// calls were not retried. A redirect other than 303 means that the peer did not
	// execute the request.
	{"301", statusError(301), "rwao"},
	{"302", statusError(302), "rwao"},
	{"308", statusError(308), "rwao"},
	{"303", &client.Error{Status: 303, Err: errors.New("see there"), MayHaveExecuted: true}, "rwa"},
	{"400", statusError(400), ""},
	{"401", statusError(401), ""},
	{"403", statusError(403), ""},
	{"404", statusError(404), ""},
	{"405", statusError(405), ""},
	{"431", statusError(431), ""},
	// A wrong add that the client has noticed, and an answer that ended first.
	{"mismatch", mismatchError(testCid(9)), "a"},
	{"early answer", &client.Error{Status: 200, Err: fmt.Errorf("%w: %w", client.ErrIncomplete, &client.MismatchError{Name: "a"}), MayHaveExecuted: true}, "a"},
	{"invalid", &client.Error{Err: client.ErrInvalid}, ""},
	{"invalid, plain", fmt.Errorf("no CID: %w", client.ErrInvalid), ""},
	{"source", &client.Error{Err: fmt.Errorf("%w: %w", client.ErrSource, io.ErrUnexpectedEOF), MayHaveExecuted: true}, ""},
	{"source, 503", &client.Error{Status: 503, Err: client.ErrSource, MayHaveExecuted: true}, ""},
	// What a peer says about an upload that this side broke off is not about the peer.
	{"source, 500", &client.Error{Status: 500, Message: "context canceled", Err: fmt.Errorf("%w: %w", client.ErrSource, api.Error{Code: 500, Message: "context canceled"}), MayHaveExecuted: true}, ""},
	{"body", &client.Error{Err: client.ErrBodyNotReplayable}, ""},
	{"unimplemented", &client.Error{Err: client.ErrUnimplemented}, ""},
}

// TestReplayTable makes each operation fail in each way at the first of two peers.
// U15: upstream repeated every operation after any failure without a status.
// U16: it did not repeat them after 502, 503 and 504, where a retry is useful.
func TestReplayTable(t *testing.T) {
	letters := map[client.ReplayClass]string{
		client.ReplayRead: "r", client.ReplayWrite: "w", client.ReplayAdd: "a", client.ReplayOnce: "o",
	}
	all := slices.Clone(failures)
	// When a peer is stopped, its parts end one after another, before its connections do.
	// Pins and adds at that moment failed, although other peers could have taken them.
	for _, text := range endings {
		all = append(all, failure{"500, " + text, serverError(text), "rwa"}, failure{"trailer, " + text, trailerError(text), "rwa"})
	}
	for op := range methods(t.Context(), nil) {
		for _, f := range all {
			t.Run(string(op)+"/"+f.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { replayOnce(t, op, f.err, strings.Contains(f.classes, letters[op.ReplayClass()])) })
			})
		}
	}
}

// replayOnce makes op fail with failure at the first of two peers. Only if replayed is set
// must it go to the second one.
func replayOnce(t *testing.T, op client.Op, failure error, replayed bool) {
	fakes := realFakes(2)
	fakes[0].answer = fails(failure)
	// After some failures, the peer is asked whether it is alive.
	c := newLB(t, &strategy.Failover{}, []*bodyFake{{fake: fakes[0]}, {fake: fakes[1]}}, 1, WithLivenessProbe(0, time.Second))
	err := methods(t.Context(), c)[op]()
	if replayed {
		checkCalls(t, "a1 b1", fakes...)
		if err != nil {
			t.Errorf("failed although b answered: %v", err)
		}
		return
	}
	checkCalls(t, "a1 b0", fakes...)
	var e *client.Error
	if !errors.As(err, &e) || !errors.Is(err, failure) {
		t.Errorf("got %v, want that of the only attempt", err)
	}
	var all *AttemptsError
	if errors.As(err, &all) {
		t.Errorf("an answer came wrapped: %v", err)
	}
}

// U15: upstream executed a write again at another peer, and reported 404 for an unpin that had
// succeeded.
func TestU15UnpinIsIdempotent(t *testing.T) {
	ci := testCid(7)
	path := "/ipfs/" + ci.String()
	unpin := map[string]func(client.Client) (*api.Pin, error){
		"cid":  func(c client.Client) (*api.Pin, error) { return c.Unpin(t.Context(), ci) },
		"path": func(c client.Client) (*api.Pin, error) { return c.UnpinPath(t.Context(), path) },
	}
	for name, call := range unpin {
		for _, first := range []struct {
			err  error
			gone bool // a 404 from the next attempt is a success
		}{
			{brokenError(), true},
			{statusError(504), true},
			{dialError(), false},
			{statusError(429), false},
		} {
			t.Run(fmt.Sprintf("%s/%v", name, first.err), func(t *testing.T) {
				fakes := realFakes(2)
				fakes[0].answer = fails(first.err)
				fakes[1].answer = fails(statusError(404))
				pin, err := call(newLB(t, &strategy.Failover{}, fakes, 1))
				checkCalls(t, "a1 b1", fakes...)
				if !first.gone {
					if !errors.Is(err, client.ErrNotFound) || pin != nil {
						t.Errorf("got %v, %v, want not found", pin, err)
					}
					return
				}
				if err != nil || !pin.Cid.Cid.Equals(ci) {
					t.Errorf("got %v, %v, want a pin with the CID", pin, err)
				}
			})
		}
	}

	t.Run("the 404 is not its own reason", func(t *testing.T) {
		fakes := newFakes(2)
		fakes[0].answer = fails(dialError())
		fakes[1].answer = fails(&client.Error{Status: 404, Err: errors.New("x"), MayHaveExecuted: true})
		if _, err := newLB(t, &strategy.Failover{}, fakes, 1).Unpin(t.Context(), ci); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("got %v, want not found", err)
		}
	})
	t.Run("at once", func(t *testing.T) {
		fakes := newFakes(2)
		fakes[0].answer = fails(statusError(404))
		_, err := newLB(t, &strategy.Failover{}, fakes, 1).Unpin(t.Context(), ci)
		if !errors.Is(err, client.ErrNotFound) {
			t.Errorf("got %v, want not found", err)
		}
	})
	t.Run("path below a CID", func(t *testing.T) {
		fakes := newFakes(2)
		fakes[0].answer, fakes[1].answer = fails(brokenError()), fails(statusError(404))
		pin, err := newLB(t, &strategy.Failover{}, fakes, 1).UnpinPath(t.Context(), path+"/a")
		if err != nil || pin.Cid.Defined() {
			t.Errorf("got %v, %v, want a pin without a CID", pin, err)
		}
	})
	// For other writes, a 404 is still an error.
	t.Run("pin", func(t *testing.T) {
		fakes := newFakes(2)
		fakes[0].answer, fakes[1].answer = fails(brokenError()), fails(statusError(404))
		if _, err := newLB(t, &strategy.Failover{}, fakes, 1).Pin(t.Context(), ci, api.PinOptions{}); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("got %v, want not found", err)
		}
	})
}
