package lbclient

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/go-cid"
	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

func node(name string, i int) *api.AddedOutput {
	return &api.AddedOutput{Name: name, Cid: api.NewCid(testCid(i)), Size: uint64(i)}
}

func progress(name string, n uint64) *api.AddedOutput {
	return &api.AddedOutput{Name: name, Bytes: n}
}

// text returns an output as one word.
func text(o *api.AddedOutput) string {
	if !o.Cid.Defined() {
		return fmt.Sprintf("%s:%d", o.Name, o.Bytes)
	}
	return o.Name + "!"
}

// addAll runs an add to its end and returns the outputs that it delivered.
func addAll(add func(chan<- *api.AddedOutput) error) (string, error) {
	out := make(chan *api.AddedOutput, 1)
	var words []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for o := range out {
			words = append(words, text(o))
		}
	}()
	err := add(out)
	<-done // out is closed
	return strings.Join(words, " "), err
}

func addPaths(ctx context.Context, c *Client) (string, error) {
	return addAll(func(out chan<- *api.AddedOutput) error { return c.Add(ctx, []string{"x"}, nil, out) })
}

var someOutputs = []*api.AddedOutput{
	progress("a", 100), progress("a", 200), node("a", 1),
	progress("b", 100), progress("b", 200), progress("b", 300), node("b", 2),
	node("", 3),
}

const someText = "a:100 a:200 a! b:100 b:200 b:300 b! !"

// An add that fails at any position is repeated, and outputs that were delivered are not
// delivered again.
func TestAddGoesOn(t *testing.T) {
	for first := range len(someOutputs) + 1 {
		for second := range len(someOutputs) + 1 {
			fakes := newFakes(3)
			for _, f := range fakes {
				f.outputs = someOutputs
			}
			fakes[0].answer = breaks(first, brokenError())
			fakes[1].answer = breaks(second, trailerError(ipfsDownText))
			got, err := addPaths(t.Context(), newLB(t, &strategy.Failover{}, fakes, 2))
			if err != nil || got != someText {
				t.Errorf("broken after %d and %d: %q, %v", first, second, got, err)
			}
		}
	}
}

// Peers report progress in different steps. The delivered progress never decreases.
func TestAddProgressStaysMonotone(t *testing.T) {
	fakes := newFakes(2)
	fakes[0].outputs = someOutputs
	fakes[0].answer = breaks(5, brokenError()) // after b:200
	fakes[1].outputs = []*api.AddedOutput{
		progress("a", 150), node("a", 1),
		progress("b", 50), progress("b", 150), progress("b", 250), progress("b", 300), node("b", 2), node("", 3),
	}
	got, err := addPaths(t.Context(), newLB(t, &strategy.Failover{}, fakes, 1))
	if want := "a:100 a:200 a! b:100 b:200 b:250 b:300 b! !"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// The outputs of a single attempt are delivered unchanged, even if the server repeats
// some.
func TestAddProgressIsLeftAlone(t *testing.T) {
	fakes := newFakes(1)
	fakes[0].outputs = []*api.AddedOutput{progress("a", 9), progress("a", 9), progress("a", 5), node("a", 1)}
	if got, err := addPaths(t.Context(), newLB(t, &strategy.Failover{}, fakes, 1)); err != nil || got != "a:9 a:9 a:5 a!" {
		t.Errorf("got %q, %v", got, err)
	}
}

// Two files of the same name have separate progress.
func TestAddSameNameTwice(t *testing.T) {
	fakes := newFakes(2)
	for _, f := range fakes {
		f.outputs = []*api.AddedOutput{progress("a", 9), node("a", 1), progress("a", 5), node("a", 2)}
	}
	fakes[0].answer = breaks(2, brokenError())
	if got, err := addPaths(t.Context(), newLB(t, &strategy.Failover{}, fakes, 1)); err != nil || got != "a:9 a! a:5 a!" {
		t.Errorf("got %q, %v", got, err)
	}
}

// The allocations of blocks may differ between two attempts.
func TestAddAllocationsMayDiffer(t *testing.T) {
	fakes := newFakes(2)
	fakes[0].outputs = someOutputs
	fakes[0].answer = breaks(3, brokenError())
	for _, o := range someOutputs {
		copied := *o
		copied.Allocations = append(copied.Allocations, "p")
		fakes[1].outputs = append(fakes[1].outputs, &copied)
	}
	if got, err := addPaths(t.Context(), newLB(t, &strategy.Failover{}, fakes, 1)); err != nil || got != someText {
		t.Errorf("got %q, %v", got, err)
	}
}

// If the repeated add reports different outputs, the delivered ones are worthless, and the
// caller must get an error.
func TestAddDiverges(t *testing.T) {
	for name, second := range map[string][]*api.AddedOutput{
		"another CID":  {node("a", 9), node("b", 2), node("", 3)},
		"another name": {node("x", 1), node("b", 2), node("", 3)},
		"another size": {{Name: "a", Cid: api.NewCid(testCid(1)), Size: 7}, node("b", 2), node("", 3)},
		"fewer":        {node("a", 1)},
		"none":         {},
	} {
		fakes := newFakes(3)
		fakes[0].outputs, fakes[0].answer = someOutputs, breaks(7, brokenError())
		fakes[1].outputs, fakes[2].outputs = second, someOutputs
		got, err := addPaths(t.Context(), newLB(t, &strategy.Failover{}, fakes, 5))
		var e *client.Error
		if !errors.Is(err, ErrReplayDiverged) || !errors.As(err, &e) || !e.MayHaveExecuted {
			t.Errorf("%s: %v, want ErrReplayDiverged", name, err)
		}
		if want := "a:100 a:200 a! b:100 b:200 b:300 b!"; got != want {
			t.Errorf("%s: delivered %q, want %q", name, got, want)
		}
		checkCalls(t, "a1 b1 c0", fakes...)
	}
}

// An add that has diverged is aborted at once.
func TestAddDivergedIsCancelled(t *testing.T) {
	fakes := newFakes(2)
	fakes[0].outputs, fakes[0].answer = someOutputs, breaks(3, brokenError())
	endless := &endlessAdder{fake: fakes[1]}
	c := newLB(t, &strategy.Failover{}, []client.Client{fakes[0], endless}, 1)
	if _, err := addPaths(t.Context(), c); !errors.Is(err, ErrReplayDiverged) {
		t.Errorf("got %v", err)
	}
}

// endlessAdder reports one node, and then nothing until its context ends.
type endlessAdder struct{ *fake }

func (f *endlessAdder) Add(ctx context.Context, _ []string, _ *api.AddParams, out chan<- *api.AddedOutput) error {
	defer close(out)
	out <- node("other", 9)
	<-ctx.Done()
	return ctx.Err()
}

// out is closed exactly once in every case, and may be nil.
func TestAddOut(t *testing.T) {
	for name, answer := range map[string]func(context.Context, client.Op, int) reply{
		"success": nil, "refusal": fails(statusError(400)), "failure": fails(brokenError()), "broken": breaks(2, brokenError()),
	} {
		for _, retries := range []int{0, 1} {
			fakes := newFakes(2)
			for _, f := range fakes {
				f.outputs, f.answer = someOutputs, answer
			}
			c := newLB(t, &strategy.Failover{}, fakes, retries)
			_, err := addPaths(t.Context(), c)
			if (err == nil) != (name == "success") {
				t.Errorf("%s: %v", name, err)
			}
			if nilErr := c.Add(t.Context(), []string{"x"}, nil, nil); (nilErr == nil) != (err == nil) {
				t.Errorf("%s with nil out: %v", name, nilErr)
			}
		}
	}
	c := newLB(t, &strategy.Failover{}, newFakes(1), 0)
	if _, err := addAll(func(out chan<- *api.AddedOutput) error { return c.AddMultiFile(t.Context(), nil, nil, out) }); !errors.Is(err, client.ErrInvalid) {
		t.Errorf("AddMultiFile without a reader: %v", err)
	}
}

// U5: if the consumer did not read and the context ended, upstream closed out while its
// own goroutine was still sending to it, and the process died.
// U7: without a load balancer, the call hung instead.
func TestU5ConsumerStopsReading(t *testing.T) {
	for range 50 {
		fakes := newFakes(2)
		fakes[0].outputs = someOutputs
		c := newLB(t, &strategy.Failover{}, fakes, 2)
		ctx, cancel := context.WithCancel(t.Context())
		out := make(chan *api.AddedOutput, 2)
		done := make(chan error)
		go func() { done <- c.Add(ctx, []string{"x"}, nil, out) }()
		for len(out) < 2 {
			runtime.Gosched()
		}
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want cancelled", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the call hangs")
		}
		n := 0
		for range out {
			n++
		}
		if n != 2 {
			t.Errorf("%d outputs", n)
		}
		checkCalls(t, "a1 b0", fakes...)
	}
}

// U37: upstream leaked a goroutine for each cancelled streaming call. Time stands still in
// the synctest bubble, so the call must end at once, and the bubble does not end before
// all of its goroutines have ended.
func TestU37NoGoroutineStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(2)
		fakes[0].outputs, fakes[0].cids = someOutputs, testCids(10)
		c, err := New(&strategy.Failover{}, clientsOf(fakes), 2)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		start := time.Now()
		for range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- c.Add(ctx, []string{"x"}, nil, make(chan *api.AddedOutput)) }()
			synctest.Wait()
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Add: %v, want cancelled", err)
			}

			ctx, cancel = context.WithCancel(t.Context())
			defer cancel()
			var last error
			for _, err := range c.Allocations(ctx, api.AllType) {
				cancel()
				last = err
			}
			if !errors.Is(last, context.Canceled) {
				t.Errorf("Allocations: %v, want cancelled", last)
			}
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("took %s", d)
		}
	})
}

// After a panic in an endpoint's client, out is closed and no goroutine is left.
func TestAddPanic(t *testing.T) {
	fakes := newFakes(1)
	fakes[0].outputs = someOutputs
	fakes[0].answer = func(context.Context, client.Op, int) reply { panic("x") }
	c := newLB(t, &strategy.Failover{}, fakes, 0)
	out := make(chan *api.AddedOutput, 10)
	func() {
		defer func() { _ = recover() }()
		_ = c.Add(t.Context(), []string{"x"}, nil, out)
	}()
	if _, open := <-out; open {
		t.Error("out is open")
	}
}

// Random adds fail at random positions at several peers, which report progress in
// different steps. The nodes are delivered exactly once and in order, and the progress of
// a file never decreases.
func TestAddProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 8).Draw(t, "files")
		sizes := rapid.SliceOfN(rapid.IntRange(0, 1000), count, count).Draw(t, "sizes")
		var nodes string
		for i := range sizes {
			nodes += fmt.Sprintf("f%d! ", i)
		}
		fakes := newFakes(rapid.IntRange(1, 4).Draw(t, "peers"))
		for _, f := range fakes {
			step := rapid.IntRange(1, 400).Draw(t, "step")
			for i, size := range sizes {
				name := fmt.Sprintf("f%d", i)
				for at := step; at < size; at += step {
					f.outputs = append(f.outputs, progress(name, uint64(at)))
				}
				f.outputs = append(f.outputs, progress(name, uint64(size)), node(name, i))
			}
			cut := rapid.IntRange(-1, len(f.outputs)).Draw(t, "cut")
			if cut >= 0 {
				f.answer = breaks(cut, brokenError())
			}
		}
		c, err := New(&strategy.RoundRobin{}, clientsOf(fakes), len(fakes)-1)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		got, err := addPaths(context.Background(), c)
		healthy := slices.ContainsFunc(fakes, func(f *fake) bool { return f.answer == nil })
		if (err == nil) != healthy {
			t.Fatalf("healthy peers: %v, error: %v", healthy, err)
		}
		gotNodes, last := "", map[string]int{}
		current := 0
		for _, word := range strings.Fields(got) {
			if strings.HasSuffix(word, "!") {
				gotNodes += word + " "
				current++
				continue
			}
			name, number, _ := strings.Cut(word, ":")
			at := 0
			fmt.Sscan(number, &at)
			if at < last[name] || name != fmt.Sprintf("f%d", current) {
				t.Fatalf("progress went back or came late: %s", got)
			}
			last[name] = at
		}
		if !strings.HasPrefix(nodes, gotNodes) || err == nil && gotNodes != nodes {
			t.Fatalf("nodes %q, want %q", gotNodes, nodes)
		}
	})
}

// chain depends on the fields of an output that must not differ between attempts.
func TestChain(t *testing.T) {
	var zero [32]byte
	base := node("a", 1)
	seen := map[[32]byte]string{}
	for name, o := range map[string]*api.AddedOutput{
		"base": base, "name": node("b", 1), "cid": node("a", 2),
		"size": {Name: "a", Cid: base.Cid, Size: 2}, "v0": {Name: "a", Cid: api.NewCid(cid.NewCidV0(base.Cid.Hash())), Size: 1},
	} {
		sum := chain(zero, o)
		if other, ok := seen[sum]; ok {
			t.Errorf("%s and %s have the same sum", name, other)
		}
		seen[sum] = name
	}
	if chain(chain(zero, base), node("b", 1)) == chain(chain(zero, node("b", 1)), base) {
		t.Error("the order does not matter")
	}
}
