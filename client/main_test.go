package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	textA    = "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"
	textB    = "bafkreiewdnw5h3pdzohmxkwl22g6aqgnpdvs5vmiseymz22mjeti5jgvay"
	textPeer = "12D3KooWSA9vVa2upqPGqd3edMk3vawVFnTuTzxzYjL6bBX7h6nN"

	// Valid documents, one of each kind.
	pinA    = `{"cid":"` + textA + `","type":"pin","mode":"recursive"}`
	pinB    = `{"cid":"` + textB + `","type":"pin","mode":"recursive"}`
	statusA = `{"cid":"` + textA + `","peer_map":{"` + textPeer + `":{"status":"pinned"}}}`
	statusB = `{"cid":"` + textB + `","peer_map":{"` + textPeer + `":{"status":"pinned"}}}`
	idDoc   = `{"id":"` + textPeer + `","version":"1.1.6"}`
	addedA  = `{"name":"a","cid":"` + textA + `","size":13}`
	version = `{"version":"1.1.6"}`
)

var (
	cidA  = cid.MustParse(textA)
	cidB  = cid.MustParse(textB)
	peerA = func() peer.ID {
		p, err := peer.Decode(textPeer)
		if err != nil {
			panic(err)
		}
		return p
	}()
)

// guard ends the process with all stacks if the test takes more than a minute.
func guard(t testing.TB) {
	timer := time.AfterFunc(time.Minute, func() {
		debug.SetTraceback("all")
		panic("the test hangs: " + t.Name())
	})
	t.Cleanup(func() { timer.Stop() })
}

// newClient returns a client and closes it at the end of the test.
func newClient(t testing.TB, cfg *config.Config) *defaultClient {
	t.Helper()
	guard(t)
	c, err := NewDefaultClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*defaultClient)
}

// serve returns a client of a server that answers with handler.
func serve(t testing.TB, handler rawserver.Handler) *defaultClient {
	t.Helper()
	return newClient(t, &config.Config{URL: "http://" + rawserver.New(t, handler).Addr()})
}

// answering returns a client of a server that gives every request the same answer.
func answering(t testing.TB, answer rawserver.Answer) *defaultClient {
	t.Helper()
	return serve(t, func(*http.Request) rawserver.Answer { return answer })
}

// collect returns the items of a listing and its error.
func collect[T any](seq iter.Seq2[*T, error]) (items []*T, err error) {
	for item, e := range seq {
		if e != nil {
			err = e
			continue
		}
		items = append(items, item)
	}
	return items, err
}

func drop[T any](items []*T, err error) error { return err }

// calls has all methods that send a request, with valid arguments.
var calls = map[Op]func(context.Context, Client) error{
	OpID:          func(ctx context.Context, c Client) error { return second(c.ID(ctx)) },
	OpPeers:       func(ctx context.Context, c Client) error { return second(c.Peers(ctx)) },
	OpPeerAdd:     func(ctx context.Context, c Client) error { return second(c.PeerAdd(ctx, peerA)) },
	OpPeerRm:      func(ctx context.Context, c Client) error { return c.PeerRm(ctx, peerA) },
	OpPin:         func(ctx context.Context, c Client) error { return second(c.Pin(ctx, cidA, api.PinOptions{})) },
	OpUnpin:       func(ctx context.Context, c Client) error { return second(c.Unpin(ctx, cidA)) },
	OpPinPath:     func(ctx context.Context, c Client) error { return second(c.PinPath(ctx, textA+"/a", api.PinOptions{})) },
	OpUnpinPath:   func(ctx context.Context, c Client) error { return second(c.UnpinPath(ctx, textA+"/a")) },
	OpAllocations: func(ctx context.Context, c Client) error { return drop(collect(c.Allocations(ctx, api.AllType))) },
	OpAllocation:  func(ctx context.Context, c Client) error { return second(c.Allocation(ctx, cidA)) },
	OpStatus:      func(ctx context.Context, c Client) error { return second(c.Status(ctx, cidA, false)) },
	OpStatusCids: func(ctx context.Context, c Client) error {
		return drop(collect(c.StatusCids(ctx, []cid.Cid{cidA}, false)))
	},
	OpStatusAll:           func(ctx context.Context, c Client) error { return drop(collect(c.StatusAll(ctx, 0, false))) },
	OpRecover:             func(ctx context.Context, c Client) error { return second(c.Recover(ctx, cidA, false)) },
	OpRecoverAll:          func(ctx context.Context, c Client) error { return drop(collect(c.RecoverAll(ctx, false))) },
	OpAlerts:              func(ctx context.Context, c Client) error { return second(c.Alerts(ctx)) },
	OpBandwidthByProtocol: func(ctx context.Context, c Client) error { return second(c.BandwidthByProtocol(ctx)) },
	OpVersion:             func(ctx context.Context, c Client) error { return second(c.Version(ctx)) },
	OpConnectGraph:        func(ctx context.Context, c Client) error { return second(c.ConnectGraph(ctx)) },
	OpMetrics:             func(ctx context.Context, c Client) error { return second(c.Metrics(ctx, "ping")) },
	OpMetricNames:         func(ctx context.Context, c Client) error { return second(c.MetricNames(ctx)) },
	OpRepoGC:              func(ctx context.Context, c Client) error { return second(c.RepoGC(ctx, false)) },
	OpHealth:              func(ctx context.Context, c Client) error { return c.Health(ctx) },
	OpToken:               func(ctx context.Context, c Client) error { return second(c.Token(ctx)) },
	OpAdd: func(ctx context.Context, c Client) error {
		return c.Add(ctx, []string{"testdata/a"}, nil, nil)
	},
	OpAddMultiFile: func(ctx context.Context, c Client) error {
		return c.AddMultiFile(ctx, multiFile("a", "hello"), nil, nil)
	},
}

func second[T any](_ T, err error) error { return err }

// contains fails the test if text lacks any of the parts.
func contains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q does not contain %q", text, p)
		}
	}
}

func asError(err error, target **Error) bool { return errors.As(err, target) }
func isInvalid(err error) bool               { return errors.Is(err, ErrInvalid) }
func isCanceled(err error) bool              { return errors.Is(err, context.Canceled) }

// endless repeats a text for ever.
type endless struct {
	text string
	off  int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.text[e.off:])
	e.off = (e.off + n) % len(e.text)
	return n, nil
}
