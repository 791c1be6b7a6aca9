package lbclient

import (
	"context"
	"io"
	"testing"
	"testing/synctest"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// An upload is counted when it is read, except that of Add, which is estimated from the
// outputs.
func TestObserverOfUploads(t *testing.T) {
	fakes := newFakes(2)
	fakes[0].answer = fails(brokenError())
	bodied := []*bodyFake{{fake: fakes[0], reads: func(int) int64 { return 100 }}, {fake: fakes[1]}}
	o := &observed{}
	c := newLB(t, o, bodied, 1)
	if err := methods(t.Context(), c)[client.OpAddMultiFile](); err != nil {
		t.Fatal(err)
	}
	o.check(t)
	if a, b := o.results[0].Sent, o.results[1].Sent; a != 100 || b != int64(len(bodied[1].body(0))) || o.sent != a+b {
		t.Errorf("reported %d and %d bytes, %d in all", a, b, o.sent)
	}

	o = &observed{}
	f := &fake{name: "a", outputs: []*api.AddedOutput{
		{Name: "x", Bytes: 1000}, {Name: "x", Bytes: 3000}, {Name: "x", Cid: api.NewCid(testCid(1)), Size: 3100},
		{Name: "y", Cid: api.NewCid(testCid(2)), Size: 50},
	}}
	out := make(chan *api.AddedOutput, 10)
	if err := newLB(t, o, []*fake{f}, 0).Add(t.Context(), []string{"p"}, nil, out); err != nil {
		t.Fatal(err)
	}
	o.check(t)
	if o.sent != 3150 || o.results[0].Sent != 3150 {
		t.Errorf("reported %d bytes, %+v", o.sent, o.results[0])
	}
}

// A Read of the upload that returns after the end of the attempt is not counted, because the
// strategy has already received the attempt's result.
func TestObserverIsNotToldAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peers := []*hasty{{fake: newFakes(1)[0]}, {fake: newFakes(1)[0]}}
		o := &observed{}
		c := newLB(t, o, peers, 1)
		gate := make(chan struct{})
		body := &client.Body{Boundary: "x", Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(gatedReader(gate)), nil
		}}
		if err := c.AddBody(t.Context(), body, nil, make(chan *api.AddedOutput)); err == nil {
			t.Error("no error")
		}
		close(gate)
		for _, p := range peers {
			p.late.Wait()
		}
		o.check(t)
		if o.sent != 0 || len(o.results) != 2 {
			t.Errorf("reported %d bytes, %d attempts", o.sent, len(o.results))
		}
	})
}
