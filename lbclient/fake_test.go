package lbclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"testing"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"
	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient/internal/health"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reply is the result of a fake's call.
type reply struct {
	after int   // number of items or outputs before err; -1 for all
	err   error // nil for success
}

// fake is a Client with results set by the test.
type fake struct {
	name string
	// answer returns the result of call n, counted from 0. If it is nil, all
	// calls succeed.
	answer  func(ctx context.Context, op client.Op, n int) reply
	cids    []cid.Cid          // items of its listings
	outputs []*api.AddedOutput // outputs of its adds
	// By default, Health succeeds and is not counted among the calls, so that
	// probes do not disturb a test. If health is set, it returns the result. If
	// realHealth is set, Health is an operation like the others.
	realHealth bool
	health     func(ctx context.Context) error
	// stall makes streams hang after the items of their reply, until their context ends.
	stall bool

	mu     sync.Mutex
	ops    []client.Op
	asked  []cid.Cid // of the last StatusCids
	opened int       // listings being iterated
	probes int       // uncounted Health calls
	closed int
	gone   map[int]context.CancelCauseFunc // cancels the calls in flight
}

var _ client.Client = (*fake)(nil)

func (f *fake) Endpoint() string { return f.name }

func (f *fake) called() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.ops)
}

// probed returns the number of calls of Health that are not counted as calls.
func (f *fake) probed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.probes
}

func (f *fake) reply(ctx context.Context, op client.Op) reply {
	f.mu.Lock()
	n := len(f.ops)
	f.ops = append(f.ops, op)
	ctx, cancel := context.WithCancelCause(ctx)
	if f.gone == nil {
		f.gone = map[int]context.CancelCauseFunc{}
	}
	f.gone[n] = cancel
	f.mu.Unlock()
	defer func() {
		cancel(nil)
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.gone, n)
	}()
	if f.answer == nil {
		return reply{after: -1}
	}
	return f.answer(ctx, op, n)
}

// one makes a call that has a single result.
func one[T any](f *fake, ctx context.Context, op client.Op, result *T) (*T, error) {
	if err := f.reply(ctx, op).err; err != nil {
		return nil, err
	}
	return result, nil
}

func (f *fake) items(ctx context.Context, op client.Op, cids []cid.Cid) iter.Seq2[cid.Cid, error] {
	return func(yield func(cid.Cid, error) bool) {
		f.mu.Lock()
		f.opened++
		f.mu.Unlock()
		defer func() {
			f.mu.Lock()
			f.opened--
			f.mu.Unlock()
		}()
		r := f.reply(ctx, op)
		for i, c := range cids {
			if i == r.after {
				if f.stall {
					<-ctx.Done()
					r.err = &client.Error{Op: op, Err: ctx.Err(), MayHaveExecuted: true}
				}
				break
			}
			if ctx.Err() != nil {
				r.err = ctx.Err()
				break
			}
			if !yield(c, nil) {
				return
			}
		}
		if r.err != nil {
			yield(cid.Undef, r.err)
		}
	}
}

func pins(items iter.Seq2[cid.Cid, error]) iter.Seq2[*api.Pin, error] {
	return func(yield func(*api.Pin, error) bool) {
		for c, err := range items {
			pin := &api.Pin{Cid: api.NewCid(c)}
			if err != nil {
				pin = nil
			}
			if !yield(pin, err) {
				return
			}
		}
	}
}

func infos(items iter.Seq2[cid.Cid, error]) iter.Seq2[*api.GlobalPinInfo, error] {
	return func(yield func(*api.GlobalPinInfo, error) bool) {
		for c, err := range items {
			info := &api.GlobalPinInfo{Cid: api.NewCid(c)}
			if err != nil {
				info = nil
			}
			if !yield(info, err) {
				return
			}
		}
	}
}

func (f *fake) ID(ctx context.Context) (*api.ID, error) {
	return one(f, ctx, client.OpID, &api.ID{Peername: f.name})
}
func (f *fake) Peers(ctx context.Context) ([]*api.ID, error) {
	id, err := one(f, ctx, client.OpPeers, &api.ID{Peername: f.name})
	if err != nil {
		return nil, err
	}
	return []*api.ID{id}, nil
}
func (f *fake) PeerAdd(ctx context.Context, _ peer.ID) (*api.ID, error) {
	return one(f, ctx, client.OpPeerAdd, &api.ID{Peername: f.name})
}
func (f *fake) PeerRm(ctx context.Context, _ peer.ID) error {
	return f.reply(ctx, client.OpPeerRm).err
}
func (f *fake) add(ctx context.Context, op client.Op, out chan<- *api.AddedOutput) error {
	if out != nil {
		defer close(out)
	}
	r := f.reply(ctx, op)
	for i, o := range f.outputs {
		if i == r.after && f.stall {
			<-ctx.Done()
			return &client.Error{Op: op, Endpoint: f.name, Err: ctx.Err(), MayHaveExecuted: true}
		}
		if i == r.after || out == nil {
			break
		}
		copied := *o
		select {
		case out <- &copied:
		case <-ctx.Done():
			return &client.Error{Op: op, Endpoint: f.name, Err: ctx.Err(), MayHaveExecuted: true}
		}
	}
	return r.err
}
func (f *fake) Add(ctx context.Context, _ []string, _ *api.AddParams, out chan<- *api.AddedOutput) error {
	return f.add(ctx, client.OpAdd, out)
}
func (f *fake) AddMultiFile(ctx context.Context, _ *files.MultiFileReader, _ *api.AddParams, out chan<- *api.AddedOutput) error {
	return f.add(ctx, client.OpAddMultiFile, out)
}
func (f *fake) Pin(ctx context.Context, ci cid.Cid, _ api.PinOptions) (*api.Pin, error) {
	return one(f, ctx, client.OpPin, &api.Pin{Cid: api.NewCid(ci)})
}
func (f *fake) Unpin(ctx context.Context, ci cid.Cid) (*api.Pin, error) {
	return one(f, ctx, client.OpUnpin, &api.Pin{Cid: api.NewCid(ci)})
}
func (f *fake) PinPath(ctx context.Context, _ string, _ api.PinOptions) (*api.Pin, error) {
	return one(f, ctx, client.OpPinPath, &api.Pin{})
}
func (f *fake) UnpinPath(ctx context.Context, _ string) (*api.Pin, error) {
	return one(f, ctx, client.OpUnpinPath, &api.Pin{})
}
func (f *fake) Allocations(ctx context.Context, _ api.PinType) iter.Seq2[*api.Pin, error] {
	return pins(f.items(ctx, client.OpAllocations, f.cids))
}
func (f *fake) Allocation(ctx context.Context, ci cid.Cid) (*api.Pin, error) {
	return one(f, ctx, client.OpAllocation, &api.Pin{Cid: api.NewCid(ci)})
}
func (f *fake) Status(ctx context.Context, ci cid.Cid, _ bool) (*api.GlobalPinInfo, error) {
	return one(f, ctx, client.OpStatus, &api.GlobalPinInfo{Cid: api.NewCid(ci), Name: f.name})
}
func (f *fake) StatusCids(ctx context.Context, cids []cid.Cid, _ bool) iter.Seq2[*api.GlobalPinInfo, error] {
	f.mu.Lock()
	f.asked = cids
	f.mu.Unlock()
	return infos(f.items(ctx, client.OpStatusCids, cids))
}
func (f *fake) StatusAll(ctx context.Context, _ api.TrackerStatus, _ bool) iter.Seq2[*api.GlobalPinInfo, error] {
	return infos(f.items(ctx, client.OpStatusAll, f.cids))
}
func (f *fake) Recover(ctx context.Context, ci cid.Cid, _ bool) (*api.GlobalPinInfo, error) {
	return one(f, ctx, client.OpRecover, &api.GlobalPinInfo{Cid: api.NewCid(ci)})
}
func (f *fake) RecoverAll(ctx context.Context, _ bool) iter.Seq2[*api.GlobalPinInfo, error] {
	return infos(f.items(ctx, client.OpRecoverAll, f.cids))
}
func (f *fake) Alerts(ctx context.Context) ([]*api.Alert, error) {
	return nil, f.reply(ctx, client.OpAlerts).err
}
func (f *fake) BandwidthByProtocol(ctx context.Context) (api.BandwidthByProtocol, error) {
	return nil, f.reply(ctx, client.OpBandwidthByProtocol).err
}
func (f *fake) Version(ctx context.Context) (*api.Version, error) {
	return one(f, ctx, client.OpVersion, &api.Version{Version: f.name})
}
func (f *fake) IPFS(ctx context.Context) (*url.URL, *http.Client, error) {
	if err := f.reply(ctx, client.OpIPFS).err; err != nil {
		return nil, nil, err
	}
	return &url.URL{Host: f.name}, &http.Client{}, nil
}
func (f *fake) ConnectGraph(ctx context.Context) (*api.ConnectGraph, error) {
	return one(f, ctx, client.OpConnectGraph, &api.ConnectGraph{})
}
func (f *fake) Metrics(ctx context.Context, _ string) ([]*api.Metric, error) {
	return nil, f.reply(ctx, client.OpMetrics).err
}
func (f *fake) MetricNames(ctx context.Context) ([]string, error) {
	return nil, f.reply(ctx, client.OpMetricNames).err
}
func (f *fake) RepoGC(ctx context.Context, _ bool) (*api.GlobalRepoGC, error) {
	return one(f, ctx, client.OpRepoGC, &api.GlobalRepoGC{})
}
func (f *fake) Health(ctx context.Context) error {
	if f.realHealth {
		return f.reply(ctx, client.OpHealth).err
	}
	f.mu.Lock()
	f.probes++
	f.mu.Unlock()
	if f.health != nil {
		return f.health(ctx)
	}
	return nil
}
func (f *fake) Token(ctx context.Context) (*api.Token, error) {
	return one(f, ctx, client.OpToken, &api.Token{})
}
func (f *fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed++
	for _, cancel := range f.gone {
		cancel(client.ErrClosed)
	}
	return nil
}

// The errors below are those of the various kinds of failure.

func dialError() error {
	return &client.Error{Endpoint: "fake", Err: errors.New("connection refused")}
}
func brokenError() error {
	return &client.Error{Endpoint: "fake", Err: io.ErrUnexpectedEOF, MayHaveExecuted: true}
}
func localError() error {
	return &client.Error{Endpoint: "fake", Err: &transport.DialError{Addr: "fake", Err: syscall.EMFILE, Local: true}}
}
func statusError(code int) error {
	text := http.StatusText(code)
	return &client.Error{Endpoint: "fake", Status: code, Message: text, Err: api.Error{Code: code, Message: text}, MayHaveExecuted: code >= 500}
}
func trailerError(text string) error {
	return &client.Error{Endpoint: "fake", Status: 200, Message: text, Err: api.Error{Code: 500, Message: text}, MayHaveExecuted: true}
}

// fails returns an answer function that fails each call with err.
func fails(err error) func(context.Context, client.Op, int) reply {
	return func(context.Context, client.Op, int) reply { return reply{err: err} }
}

// failsOnce returns an answer function that fails only the first call, with err.
func failsOnce(err error) func(context.Context, client.Op, int) reply {
	return func(_ context.Context, _ client.Op, n int) reply {
		if n == 0 {
			return reply{err: err}
		}
		return reply{after: -1}
	}
}

// breaks returns an answer function that fails each call with err after the given number
// of items.
func breaks(after int, err error) func(context.Context, client.Op, int) reply {
	return func(context.Context, client.Op, int) reply { return reply{after: after, err: err} }
}

// hangs is an answer function that blocks until the call's context ends.
func hangs(ctx context.Context, op client.Op, _ int) reply {
	<-ctx.Done()
	return reply{err: &client.Error{Op: op, Err: ctx.Err(), MayHaveExecuted: true}}
}

// realFakes returns fakes whose Health is an operation like the others.
func realFakes(n int) []*fake {
	fakes := newFakes(n)
	for _, f := range fakes {
		f.realHealth = true
	}
	return fakes
}

// newFakes returns fakes named a, b, c …
func newFakes(n int) []*fake {
	fakes := make([]*fake, n)
	for i := range fakes {
		fakes[i] = &fake{name: string(rune('a' + i))}
	}
	return fakes
}

func clientsOf[C client.Client](fakes []C) []client.Client {
	var clients []client.Client
	for _, f := range fakes {
		clients = append(clients, f)
	}
	return clients
}

// newLB returns a load balancer over fakes. The test closes it at its end.
func newLB[C client.Client](t testing.TB, s strategy.LBStrategy, fakes []C, retries int, opts ...Option) *Client {
	t.Helper()
	c, err := New(s, clientsOf(fakes), retries, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func testCid(i int) cid.Cid {
	sum, err := multihash.Sum(fmt.Append(nil, i), multihash.SHA2_256, -1)
	if err != nil {
		panic(err)
	}
	return cid.NewCidV1(cid.Raw, sum)
}

func testCids(n int) []cid.Cid {
	cids := make([]cid.Cid, n)
	for i := range cids {
		cids[i] = testCid(i)
	}
	return cids
}

// calls returns the number of calls of each fake, as text.
func calls(fakes ...*fake) string {
	text := ""
	for _, f := range fakes {
		text += fmt.Sprintf("%s%d ", f.name, f.called())
	}
	return text
}

func checkCalls(t testing.TB, want string, fakes ...*fake) {
	t.Helper()
	if got := calls(fakes...); got != want+" " {
		t.Errorf("calls %s, want %s", got, want)
	}
}

func mismatchError(pinned cid.Cid) error {
	return &client.Error{Endpoint: "fake", Status: 200, Err: &client.MismatchError{Name: "a", Want: testCid(1), Got: testCid(2), Pinned: pinned}, MayHaveExecuted: true}
}

// The limits of the default settings.
var (
	maxFailures = health.Defaults().Failures
	minEjection = health.Defaults().Ejection
	maxEjection = health.Defaults().MaxEjection
)
