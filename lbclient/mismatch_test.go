package lbclient

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// B1: adds that a proxy had damaged succeeded. Now the client notices the damage. It counts
// as a failure of the path to that peer, and the add goes to another one. The outputs before
// the wrong one are right, and are not delivered again.
func TestB1MismatchGoesElsewhere(t *testing.T) {
	var log bytes.Buffer
	fakes := newFakes(2)
	wrong := testCid(9)
	fakes[0].outputs, fakes[0].answer = someOutputs, breaks(5, mismatchError(wrong))
	fakes[1].outputs = someOutputs
	c := newLB(t, &strategy.Failover{}, fakes, 2, WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	got, err := addPaths(t.Context(), c)
	if err != nil || got != someText {
		t.Errorf("got %q, %v", got, err)
	}
	checkCalls(t, "a1 b1", fakes...)
	if text := fmt.Sprint(c.Endpoints()[0].Failures); text != "map[mismatched:1]" {
		t.Errorf("failures of a: %s", text)
	}
	// The caller gets no error that names the wrong pin.
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "pinned="+wrong.String()) {
		t.Errorf("logged %q", log.String())
	}
}

// B1: a peer behind a proxy that damages every add is ejected like one that breaks off.
func TestB1MismatchesEject(t *testing.T) {
	fakes := newFakes(2)
	fakes[0].answer, fakes[1].outputs = fails(mismatchError(cid.Undef)), someOutputs
	c := newLB(t, &strategy.Failover{}, fakes, 2)
	for range 6 {
		if got, err := addPaths(t.Context(), c); err != nil || got != someText {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if state := c.Endpoints()[0].State; state == Admitted {
		t.Errorf("a is %s", state)
	}
	checkCalls(t, "a5 b6", fakes...)
}

// B1: what each peer has pinned wrongly stays in the error of the call.
func TestB1WrongPinsAreInTheError(t *testing.T) {
	fakes := newFakes(3)
	fakes[0].answer, fakes[1].answer, fakes[2].answer = fails(mismatchError(testCid(7))), fails(mismatchError(testCid(8))), fails(statusError(503))
	_, err := addPaths(t.Context(), newLB(t, &strategy.Failover{}, fakes, 2))
	var all *AttemptsError
	if !errors.Is(err, client.ErrContentMismatch) || !errors.As(err, &all) || len(all.Attempts) != 3 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []cid.Cid{testCid(7), testCid(8)} {
		var wrong *client.MismatchError
		if !errors.As(all.Attempts[i].Err, &wrong) || wrong.Pinned != want {
			t.Errorf("attempt %d: %v", i, all.Attempts[i].Err)
		}
		if !strings.Contains(err.Error(), want.String()) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
	var e *client.Error
	if !errors.As(err, &e) || !e.MayHaveExecuted {
		t.Errorf("%v may have been executed", err)
	}
}

// B1: in buffered mode, the progress of all files comes before the first CID. An add that was
// repeated delivered this progress twice, or went back to files that were complete.
func TestB1ProgressOfBufferedAdds(t *testing.T) {
	streamed := someOutputs
	var buffered []*api.AddedOutput
	for _, defined := range []bool{false, true} {
		for _, o := range someOutputs {
			if o.Cid.Defined() == defined {
				buffered = append(buffered, o)
			}
		}
	}
	for _, reports := range [][3][]*api.AddedOutput{
		{buffered, buffered, buffered}, {streamed, buffered, streamed}, {buffered, streamed, buffered}, {streamed, buffered, buffered}, {buffered, streamed, streamed},
	} {
		for first := range len(someOutputs) + 1 {
			for second := range len(someOutputs) + 1 {
				fakes := newFakes(3)
				for i, f := range fakes {
					f.outputs = reports[i]
				}
				fakes[0].answer, fakes[1].answer = breaks(first, brokenError()), breaks(second, mismatchError(cid.Undef))
				got, err := addPaths(t.Context(), newLB(t, &strategy.Failover{}, fakes, 2))
				if err != nil {
					t.Error(err)
				}
				checkEachOnce(t, got)
			}
		}
	}
}

// checkEachOnce checks that words has each word of someText once, and those of progress and
// those of nodes in their order.
func checkEachOnce(t *testing.T, words string) {
	t.Helper()
	kinds := func(words string) (progress, nodes []string) {
		for _, w := range strings.Fields(words) {
			if strings.HasSuffix(w, "!") {
				nodes = append(nodes, w)
			} else {
				progress = append(progress, w)
			}
		}
		return progress, nodes
	}
	progress, nodes := kinds(words)
	wantProgress, wantNodes := kinds(someText)
	if fmt.Sprint(progress) != fmt.Sprint(wantProgress) || fmt.Sprint(nodes) != fmt.Sprint(wantNodes) {
		t.Errorf("got %q, want the words of %q", words, someText)
	}
}

// The bytes of a buffered add were counted by the progress, and again by the sizes.
func TestObserverOfBufferedAdds(t *testing.T) {
	o := &observed{}
	f := &fake{name: "a", outputs: []*api.AddedOutput{
		{Name: "x", Bytes: 1000}, {Name: "x", Bytes: 3000}, {Name: "y", Bytes: 500}, {Name: "y", Bytes: 2000},
		{Name: "x", Cid: api.NewCid(testCid(1)), Size: 3100}, {Name: "y", Cid: api.NewCid(testCid(2)), Size: 2050},
	}}
	out := make(chan *api.AddedOutput, 10)
	if err := newLB(t, o, []*fake{f}, 0).Add(t.Context(), []string{"p"}, nil, out); err != nil {
		t.Fatal(err)
	}
	o.check(t)
	if o.sent != 5150 || o.results[0].Sent != 5150 {
		t.Errorf("%d bytes, %+v", o.sent, o.results[0])
	}
}
