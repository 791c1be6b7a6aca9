package lbclient

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// fault is what a peer does with one attempt, in the model of FuzzFaults.
type fault struct {
	name   string
	err    func() error // nil for a peer that hangs, and for one whose caller cancels
	again  []client.ReplayClass
	cancel bool // the caller cancels the call during the attempt
}

// The replay classes after whose failure a call goes to another peer, for each fault. The
// table restates the rules of docs/load-balancing.md, independently of replayable.
var (
	reads    = []client.ReplayClass{client.ReplayRead}
	allClass = []client.ReplayClass{client.ReplayRead, client.ReplayWrite, client.ReplayAdd}
	faults   = []fault{
		{name: "dial", err: dialError, again: allClass},
		{name: "broken", err: brokenError, again: allClass},
		{name: "503", err: func() error { return statusError(503) }, again: allClass},
		{name: "500", err: func() error { return statusError(500) }, again: reads},
		{name: "404", err: func() error { return statusError(404) }},
		{name: "trailer", err: func() error { return trailerError("no") }, again: reads},
		{name: "own", err: func() error { return errors.New("own") }, again: allClass},
		{name: "hang", again: allClass},
		{name: "cancel", cancel: true},
	}
)

// faultModel runs a script of calls and faults. The fakes take their faults from the script.
type faultModel struct {
	*testing.T
	script  []byte
	c       *Client
	retries int
	cids    []cid.Cid
	outputs []*api.AddedOutput

	cancel context.CancelFunc // of the call
	made   []fault            // of the call's attempts that failed
	errs   []error            // of these attempts
	good   int                // number of attempts that succeeded
}

// draw takes a number below n from the script; 0 at its end.
func (m *faultModel) draw(n int) int {
	if len(m.script) == 0 {
		return 0
	}
	b := m.script[0]
	m.script = m.script[1:]
	return int(b) % n
}

// answer is the answer function of the fakes. Half of the attempts succeed, and all once the
// script has ended.
func (m *faultModel) answer(ctx context.Context, op client.Op, _ int) reply {
	n := m.draw(2 * len(faults))
	if n == 0 || n > len(faults) {
		m.good++
		return reply{after: -1}
	}
	f := faults[n-1]
	if f.name == "hang" && !isBounded(op) {
		f = faults[0] // an add hangs until its caller gives up
	}
	r := reply{after: m.draw(len(m.cids) + 1)}
	switch {
	case f.cancel:
		m.cancel()
		r = reply{err: ctx.Err()}
	case f.err == nil:
		<-ctx.Done()
		r = reply{err: ctx.Err()}
	default:
		r.err = f.err()
		m.errs = append(m.errs, r.err)
	}
	m.made = append(m.made, f)
	return r
}

// call makes one call with do and checks its error. complete reports whether the consumer has
// got everything that there is.
func (m *faultModel) call(class client.ReplayClass, do func(ctx context.Context) error, complete func() bool) {
	ctx, cancel := context.WithCancel(m.Context())
	defer cancel()
	m.cancel, m.made, m.errs, m.good = cancel, nil, nil, 0
	err := do(ctx)
	if m.good > 1 || len(m.made)+m.good > m.retries+1 {
		m.Errorf("%d attempts, %d of them good, with %d retries", len(m.made)+m.good, m.good, m.retries)
	}
	for i, f := range m.made {
		last := i == len(m.made)-1 && m.good == 0
		if again := slices.Contains(f.again, class) && i < m.retries; again == last && !(err == nil && complete()) {
			m.Errorf("attempt %d of class %d ended with %s; it was the last: %t", i, class, f.name, last)
		}
	}
	if err == nil {
		if !complete() {
			m.Errorf("success, but something is missing; faults %v", m.made)
		}
		return
	}
	if m.good > 0 {
		m.Errorf("an attempt succeeded, but the call failed with %v", err)
	}
	for _, want := range m.errs {
		if !errors.Is(err, want) {
			m.Errorf("the error does not have that of an attempt: %v lacks %v", err, want)
		}
	}
	for _, f := range m.made {
		switch {
		case f.cancel && !errors.Is(err, context.Canceled):
			m.Errorf("cancelled, but failed with %v", err)
		case f.name == "hang" && !errors.Is(err, context.DeadlineExceeded):
			m.Errorf("an attempt hung, but the error is %v", err)
		}
	}
	var typed *client.Error
	if !errors.As(err, &typed) {
		m.Errorf("%v is not a *client.Error", err)
	}
}

// list makes a listing, whose consumer may stop early.
func (m *faultModel) list(byCid bool) {
	stopAt, stopped := m.draw(3*len(m.cids)), false
	seen := map[cid.Cid]bool{}
	m.call(client.ReplayRead, func(ctx context.Context) error {
		items := m.c.StatusAll(ctx, 0, false)
		if byCid {
			items = m.c.StatusCids(ctx, m.cids, false)
		}
		for info, err := range items {
			if err != nil {
				return err
			}
			if seen[info.Cid.Cid] || !slices.Contains(m.cids, info.Cid.Cid) {
				m.Errorf("%s was delivered twice, or is not in the list", info.Cid.Cid)
			}
			if seen[info.Cid.Cid] = true; len(seen) == stopAt {
				stopped = true
				return nil
			}
		}
		return nil
	}, func() bool { return stopped || len(seen) == len(m.cids) })
}

func (m *faultModel) add() {
	var got []*api.AddedOutput
	m.call(client.ReplayAdd, func(ctx context.Context) error {
		out, done := make(chan *api.AddedOutput), make(chan struct{})
		go func() {
			defer close(done)
			for o := range out {
				got = append(got, o)
			}
		}()
		err := m.c.Add(ctx, []string{"x"}, nil, out)
		<-done
		for i, o := range got {
			if i >= len(m.outputs) || o.Cid != m.outputs[i].Cid {
				m.Errorf("output %d of %d is %v", i, len(m.outputs), o)
			}
		}
		return err
	}, func() bool { return len(got) == len(m.outputs) })
}

// FuzzFaults makes calls to peers that fail at random, and compares what the consumer gets with
// a model: each item and output once and none missing, no failed attempt missing in the error, a
// further attempt exactly where the replay class allows one, and nothing left in flight.
func FuzzFaults(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{2, 3, 1, 0, 0, 2, 3, 0, 1, 8, 0, 3, 7, 2, 0})
	f.Add([]byte{3, 2, 4, 2, 0, 6, 6, 2, 5, 3, 6, 1, 1, 3, 2, 2, 7, 0, 0, 9, 1, 4, 8, 0})
	f.Add([]byte{0, 4, 2, 0, 8, 8, 8, 8, 8, 1, 5, 5, 5, 9, 0, 3, 7, 7, 7, 7, 2, 4})
	f.Add([]byte{1, 1, 3, 1, 0, 2, 6, 1, 0, 2, 6, 1, 20, 2, 6, 1, 0, 2, 6, 0, 0, 1, 2})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 300 {
			t.Skip("long scripts find nothing that short ones do not")
		}
		synctest.Test(t, func(t *testing.T) { runFaults(t, script) })
	})
}

// TestRandomFaults runs the model of FuzzFaults with scripts that do not change.
func TestRandomFaults(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 0))
		script := make([]byte, 80)
		for i := range script {
			script[i] = byte(rng.Uint32())
		}
		synctest.Test(t, func(t *testing.T) { runFaults(t, script) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func runFaults(t *testing.T, script []byte) {
	m := &faultModel{T: t, script: script, cids: testCids(6)}
	fakes := newFakes(1 + m.draw(4))
	m.retries = m.draw(5)
	for i := range m.cids {
		m.outputs = append(m.outputs, &api.AddedOutput{Name: "x", Cid: api.NewCid(m.cids[i])})
	}
	for _, f := range fakes {
		f.cids, f.outputs, f.answer = m.cids, m.outputs, m.answer
	}
	strategies := []strategy.LBStrategy{&strategy.Failover{}, &strategy.RoundRobin{}, &strategy.LeastLoaded{}, &strategy.Sticky{}, &strategy.Weighted{}}
	c, err := New(strategies[m.draw(len(strategies))], clientsOf(fakes), m.retries, WithRetryBudget(1000, 1000), WithAttemptTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	m.c = c
	single := func(class client.ReplayClass, do func(context.Context) error) {
		m.call(class, do, func() bool { return m.good == 1 })
	}
	for len(m.script) > 0 {
		switch m.draw(6) {
		case 0:
			single(client.ReplayRead, func(ctx context.Context) error { _, err := c.Status(ctx, m.cids[0], false); return err })
		case 1:
			single(client.ReplayWrite, func(ctx context.Context) error { _, err := c.Pin(ctx, m.cids[0], api.PinOptions{}); return err })
		case 2:
			m.add()
		case 3:
			m.list(false)
		case 4:
			m.list(true)
		case 5:
			time.Sleep(time.Duration(m.draw(100)) * time.Second)
		}
	}
	for _, info := range c.Endpoints() {
		if info.InFlight != 0 {
			t.Errorf("%s has %d attempts in flight", info.Endpoint, info.InFlight)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for _, f := range fakes {
		if f.closed != 1 || f.opened != 0 {
			t.Errorf("%s was closed %d times, and has %d open listings", f.name, f.closed, f.opened)
		}
	}
}
