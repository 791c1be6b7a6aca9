package lbclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ipfs/go-cid"
	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// collect returns the CIDs of a listing and its error, which must be in the last pair.
func collect[T any](t interface{ Errorf(string, ...any) }, items iter.Seq2[*T, error], of func(*T) cid.Cid) ([]cid.Cid, error) {
	var got []cid.Cid
	var last error
	for item, err := range items {
		switch {
		case last != nil:
			t.Errorf("a pair after the error %v", last)
		case err != nil && item != nil:
			t.Errorf("an item beside the error %v", err)
		case err != nil:
			last = err
		default:
			got = append(got, of(item))
		}
	}
	return got, last
}

func pinCid(p *api.Pin) cid.Cid { return p.Cid.Cid }

// U18: when a listing failed in the middle, upstream's caller got only a part of it. Here the
// listing continues at another peer, and yields each item once.
func TestU18ListingGoesOn(t *testing.T) {
	cids := testCids(10)
	for _, breakage := range []error{
		brokenError(),
		trailerError("some peers could not be asked"),
		fmt.Errorf("%w: %w", client.ErrIncomplete, io.ErrUnexpectedEOF),
	} {
		fakes := newFakes(3)
		for i, after := range []int{4, 7, -1} {
			fakes[i].cids = cids
			fakes[i].answer = breaks(after, nil)
			if after >= 0 {
				fakes[i].answer = breaks(after, breakage)
			}
		}
		c := newLB(t, &strategy.Failover{}, fakes, 2)
		got, err := collect(t, c.Allocations(t.Context(), api.AllType), pinCid)
		if err != nil || !slices.Equal(got, cids) {
			t.Errorf("%v: got %d items, %v", breakage, len(got), err)
		}
		checkCalls(t, "a1 b1 c1", fakes...)
		// An iterator may be used twice; the second use starts from the beginning.
		items := c.StatusAll(t.Context(), 0, false)
		for range 2 {
			if got, err := collect(t, items, infoCid); err != nil || !slices.Equal(got, cids) {
				t.Errorf("%v: got %d items, %v", breakage, len(got), err)
			}
		}
	}
}

// A listing that cannot be completed ends with an error.
func TestListingEndsWithItsError(t *testing.T) {
	fakes := newFakes(2)
	for _, f := range fakes {
		f.cids, f.answer = testCids(10), breaks(3, brokenError())
	}
	c := newLB(t, &strategy.Failover{}, fakes, 1)
	got, err := collect(t, c.Allocations(t.Context(), api.AllType), pinCid)
	var all *AttemptsError
	if !errors.As(err, &all) || len(all.Attempts) != 2 || len(got) != 3 {
		t.Errorf("got %d items, %v", len(got), err)
	}
}

// The retries are counted over the whole call, regardless of the items delivered between
// them.
func TestListingRetriesAreBounded(t *testing.T) {
	fakes := newFakes(1)
	fakes[0].cids = testCids(10)
	fakes[0].answer = func(_ context.Context, _ client.Op, n int) reply {
		return reply{after: n + 1, err: brokenError()}
	}
	c := newLB(t, &strategy.Failover{}, fakes, 2)
	got, err := collect(t, c.Allocations(t.Context(), api.AllType), pinCid)
	if err == nil || len(got) != 3 || fakes[0].called() != 3 {
		t.Errorf("%d items in %d attempts, %v", len(got), fakes[0].called(), err)
	}
}

// Two local views must not be mixed: once an item was delivered, a local
// listing cannot go on at another peer.
func TestLocalListing(t *testing.T) {
	cids := testCids(5)
	for name, list := range map[string]func(*Client) iter.Seq2[*api.GlobalPinInfo, error]{
		"StatusAll":  func(c *Client) iter.Seq2[*api.GlobalPinInfo, error] { return c.StatusAll(t.Context(), 0, true) },
		"StatusCids": func(c *Client) iter.Seq2[*api.GlobalPinInfo, error] { return c.StatusCids(t.Context(), cids, true) },
		"RecoverAll": func(c *Client) iter.Seq2[*api.GlobalPinInfo, error] { return c.RecoverAll(t.Context(), true) },
	} {
		for _, after := range []int{0, 2} {
			fakes := newFakes(2)
			fakes[0].cids, fakes[1].cids = cids, cids
			fakes[0].answer = breaks(after, brokenError())
			got, err := collect(t, list(newLB(t, &strategy.Failover{}, fakes, 3)), infoCid)
			if after == 0 {
				if err != nil || !slices.Equal(got, cids) {
					t.Errorf("%s broken before the first item: %d items, %v", name, len(got), err)
				}
				continue
			}
			if !errors.Is(err, errLocalListing) || !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != after {
				t.Errorf("%s broken after %d items: %d items, %v", name, after, len(got), err)
			}
			checkCalls(t, "a1 b0", fakes...)
		}
	}
}

// A retried StatusCids requests only the missing CIDs.
func TestStatusCidsAsksForWhatIsMissing(t *testing.T) {
	cids := testCids(6)
	fakes := newFakes(2)
	fakes[0].answer = breaks(4, brokenError())
	c := newLB(t, &strategy.Failover{}, fakes, 1)
	got, err := collect(t, c.StatusCids(t.Context(), append(slices.Clone(cids), cids[0]), false), infoCid)
	if err != nil || !slices.Equal(got, cids) {
		t.Errorf("got %d items, %v", len(got), err)
	}
	if !slices.Equal(fakes[1].asked, cids[4:]) {
		t.Errorf("b was asked for %d CIDs, want the last 2", len(fakes[1].asked))
	}

	// A listing that fails after its last item is complete.
	fakes = newFakes(2)
	fakes[0].answer = breaks(6, brokenError())
	got, err = collect(t, newLB(t, &strategy.Failover{}, fakes, 1).StatusCids(t.Context(), cids, false), infoCid)
	if err != nil || len(got) != 6 {
		t.Errorf("got %d items, %v", len(got), err)
	}
	checkCalls(t, "a1 b0", fakes...)

	// A request without CIDs does not count as complete before the peer responds.
	fakes = newFakes(1)
	fakes[0].answer = breaks(0, brokenError())
	if _, err = collect(t, newLB(t, &strategy.Failover{}, fakes, 0).StatusCids(t.Context(), nil, false), infoCid); err == nil {
		t.Error("no error")
	}
}

// Leaving the loop by break, panic or return closes the listing at the peer and ends the call
// without a further attempt.
func TestBreakingOut(t *testing.T) {
	fakes := newFakes(2)
	fakes[0].cids = testCids(10)
	fakes[0].answer = breaks(4, brokenError())
	fakes[1].cids = fakes[0].cids
	c := newLB(t, &strategy.Failover{}, fakes, 3)
	for _, at := range []int{1, 3, 6} {
		n := 0
		for _, err := range c.Allocations(t.Context(), api.AllType) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == at {
				break
			}
		}
		func() {
			defer func() { _ = recover() }()
			n := 0
			for range c.Allocations(t.Context(), api.AllType) {
				if n++; n == at {
					panic("x")
				}
			}
		}()
		if fakes[0].opened+fakes[1].opened != 0 {
			t.Errorf("left at %d: a listing is still open", at)
		}
	}
	checkCalls(t, "a6 b2", fakes...)
}

// A consumer may also break out of the loop at the pair with the error.
func TestBreakingOutOnTheError(t *testing.T) {
	fakes := newFakes(1)
	fakes[0].answer = fails(statusError(404))
	for _, err := range newLB(t, &strategy.Failover{}, fakes, 1).Allocations(t.Context(), api.AllType) {
		if err == nil {
			t.Error("no error")
		}
		break
	}
}

// A user's client may yield a pair of two nils.
func TestEmptyPairs(t *testing.T) {
	odd := oddLister{newFakes(1)[0]}
	got, err := collect(t, newLB(t, &strategy.Failover{}, []oddLister{odd}, 0).Allocations(t.Context(), api.AllType), pinCid)
	if err != nil || len(got) != 1 {
		t.Errorf("got %d items, %v", len(got), err)
	}
}

type oddLister struct{ *fake }

func (oddLister) Allocations(context.Context, api.PinType) iter.Seq2[*api.Pin, error] {
	return func(yield func(*api.Pin, error) bool) {
		_ = yield(nil, nil) && yield(&api.Pin{Cid: api.NewCid(testCid(1))}, nil)
	}
}

// Random listings fail at random positions at several peers, which list in the same order or
// each in its own. Every item is yielded exactly once, in an order that one healthy peer could
// have produced, or the last pair holds an error.
func TestListingProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cids := testCids(rapid.IntRange(0, 40).Draw(t, "items"))
		sameOrder := rapid.Bool().Draw(t, "same order")
		fakes := newFakes(rapid.IntRange(1, 4).Draw(t, "peers"))
		retries := rapid.IntRange(0, 6).Draw(t, "retries")
		kinds := []error{brokenError(), statusError(503), trailerError("x"), dialError(), errors.New("foreign")}
		for _, f := range fakes {
			f.cids = slices.Clone(cids)
			if !sameOrder {
				seed := rapid.Uint64().Draw(t, "order")
				rand.New(rand.NewPCG(seed, 0)).Shuffle(len(cids), func(i, j int) { f.cids[i], f.cids[j] = f.cids[j], f.cids[i] })
			}
			cuts := rapid.SliceOfN(rapid.IntRange(-1, len(cids)), retries+1, retries+1).Draw(t, "cuts")
			kind := rapid.SampledFrom(kinds).Draw(t, "failure")
			f.answer = func(_ context.Context, _ client.Op, n int) reply {
				if cuts[n] < 0 {
					return reply{after: -1}
				}
				return reply{after: cuts[n], err: kind}
			}
		}
		// No call tries an endpoint again, so that the test does not wait for backoff.
		retries = min(retries, len(fakes)-1)
		s := rapid.SampledFrom([]strategy.LBStrategy{&strategy.Failover{}, &strategy.RoundRobin{}}).Draw(t, "strategy")
		c, err := New(s, clientsOf(fakes), retries)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()

		got, err := collect(t, c.StatusAll(context.Background(), 0, false), infoCid)
		seen := map[cid.Cid]bool{}
		for _, ci := range got {
			if seen[ci] {
				t.Fatalf("%s came twice", ci)
			}
			seen[ci] = true
		}
		if err == nil && len(got) != len(cids) {
			t.Fatalf("%d of %d items, and no error", len(got), len(cids))
		}
		if sameOrder && !slices.Equal(got, cids[:len(got)]) {
			t.Fatal("out of order")
		}
		attempts := 0
		for _, f := range fakes {
			attempts += f.called()
			if f.opened != 0 {
				t.Fatal("a listing is still open")
			}
		}
		if err != nil && attempts != retries+1 {
			t.Fatalf("gave up after %d attempts with %d retries: %v", attempts, retries, err)
		}
	})
}

func BenchmarkListing(b *testing.B) {
	fakes := newFakes(1)
	fakes[0].cids = testCids(10000)
	c := newLB(b, &strategy.Failover{}, fakes, 1)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range c.Allocations(b.Context(), api.AllType) {
			n++
		}
		if n != 10000 {
			b.Fatal(n)
		}
	}
}
