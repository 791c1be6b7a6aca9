//go:build unix

package main

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// pinsetOf is a peer with a fixed pinset.
type pinsetOf struct {
	client.Unimplemented
	roots []cid.Cid
}

func (p *pinsetOf) Allocations(context.Context, api.PinType) iter.Seq2[*api.Pin, error] {
	return func(yield func(*api.Pin, error) bool) {
		for _, root := range p.roots {
			if !yield(&api.Pin{Cid: api.NewCid(root)}, nil) {
				return
			}
		}
	}
}

// TestLostByTheCluster checks who is to blame for a pinset that differs. With a real
// cluster, a pin that one peer had confirmed was missing at another one, which was stopped
// while it read the updates of the first. That was reported as a promise of the client.
func TestLostByTheCluster(t *testing.T) {
	var roots []cid.Cid
	for n := range uint64(2) {
		root, err := rootOf(t.Context(), file{number: n, size: 1}.content())
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, root)
	}
	added, removed := roots[0], roots[1]
	for _, test := range []struct {
		name         string
		consistent   bool
		pins         [2][]cid.Cid // of each peer; peer 0 has confirmed the add, peer 1 the unpin
		broken, lost int
	}{
		{"all well", false, [2][]cid.Cid{{added}, {added}}, 0, 0},
		{"missing where it was confirmed", false, [2][]cid.Cid{{}, {added}}, 1, 0},
		{"missing elsewhere", false, [2][]cid.Cid{{added}, {}}, 0, 1},
		{"missing everywhere", false, [2][]cid.Cid{{}, {}}, 1, 1},
		{"left where the unpin was confirmed", false, [2][]cid.Cid{{added}, {added, removed}}, 1, 0},
		{"left elsewhere", false, [2][]cid.Cid{{added, removed}, {added}}, 0, 1},
		{"missing in our own cluster", true, [2][]cid.Cid{{added}, {}}, 1, 0},
	} {
		l := &load{settings: &settings{deadline: 1}, ledger: newLedger(), record: newRecord(), consistent: test.consistent}
		for _, root := range roots {
			l.ledger.begin(root, file{})
		}
		l.ledger.added(added, 0, true)
		l.ledger.removed(removed, 1)
		c := newCheck(l, []client.Client{&pinsetOf{roots: test.pins[0]}, &pinsetOf{roots: test.pins[1]}})
		for i := range c.peers {
			c.checkPinset(t.Context(), i)
		}
		broken := 0
		if v := l.record.broken["wrong pinsets"]; v != nil {
			broken = v.count
		}
		if broken != test.broken || l.record.lost.count != test.lost || len(c.lost) != test.lost {
			t.Errorf("%s: %d broken promises, %d losses %v, want %d and %d", test.name, broken, l.record.lost.count, c.lost, test.broken, test.lost)
		}
	}
}

// TestPeerOf checks that the peer that answered a call is known, also after a retry.
func TestPeerOf(t *testing.T) {
	c := startCluster(t)
	if err := c.inflict(t.Context(), kill, 0); err != nil {
		t.Fatal(err)
	}
	l, err := newLoad(&settings{retries: 3, strategies: []string{"failover"}, seed: 1}, c, newRecord())
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if err := l.newCaller().add(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := l.ledger.promises(pinned); len(got) != 1 || got[0].peer != 1 {
		t.Errorf("promises %v, want one of the second peer", got)
	}
	if got := l.peerOf(&trace{}); got != nobody {
		t.Errorf("a call that no peer confirmed: peer %d", got)
	}
}

// unpins is a peer whose Unpin returns err.
type unpins struct {
	client.Unimplemented
	err   error
	calls int
}

func (u *unpins) Unpin(context.Context, cid.Cid) (*api.Pin, error) {
	u.calls++
	return nil, u.err
}

// TestUnconfirmedUnpin: a request to unpin got no answer, and its repetition found nothing
// to unpin at a real peer that had not heard of the add. The item stayed pinned, which was
// reported as a loss of the cluster's.
func TestUnconfirmedUnpin(t *testing.T) {
	root, err := rootOf(t.Context(), file{size: 1}.content())
	if err != nil {
		t.Fatal(err)
	}
	for _, consistent := range []bool{false, true} {
		l := &load{ledger: newLedger(), consistent: consistent}
		l.ledger.begin(root, file{})
		l.ledger.added(root, 0, false)
		if err := (&caller{load: l, client: &unpins{}}).unpin(t.Context()); err != nil {
			t.Error(err)
		}
		if got := len(l.ledger.promises(unpinned)); (got == 1) != consistent {
			t.Errorf("consistent %v: %d promises", consistent, got)
		}
	}
}

// TestUnpinSomewhere checks that an item that only one peer has is unpinned there.
func TestUnpinSomewhere(t *testing.T) {
	errDown := errors.New("down")
	for _, test := range []struct {
		last error // of the last peer
		want error
	}{{nil, nil}, {client.ErrNotFound, nil}, {errDown, errDown}} {
		last := &unpins{err: test.last}
		peers := []client.Client{last, &unpins{err: client.ErrNotFound}, &unpins{err: client.ErrNotFound}}
		if err := unpinSomewhere(t.Context(), cid.Undef, peers, 1); err != test.want || last.calls != 1 {
			t.Errorf("%v: got %v after %d calls", test.last, err, last.calls)
		}
	}
}
