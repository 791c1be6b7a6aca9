package lbclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ipfs/boxo/files"
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

// text is an output as one word.
func text(o *api.AddedOutput) string {
	if !o.Cid.Defined() {
		return fmt.Sprintf("%s:%d", o.Name, o.Bytes)
	}
	return o.Name + "!"
}

// addAll runs an add to its end and returns what it delivered.
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

// An add that breaks anywhere is done again, and what was delivered is not
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

// Another peer reports progress in other steps. It stays monotone.
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

// Where the blocks went may differ between two attempts.
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

// If the repeated add reports something else, what was delivered is worthless,
// and the caller must know.
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

// out is closed once, whatever happens; nil is fine.
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

// U5: upstream closed out while its own goroutine was still sending to it, and
// the process died: a consumer that does not read, and a context that ends.
// U7: without a load balancer the call hung instead.
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

// U37: upstream leaked a goroutine for each cancelled streaming call. Time
// stands still in the bubble, so that "promptly" is "at once", and it does not
// end before every goroutine in it has.
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

// A panic in the client below does not leave out open or a goroutine behind.
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

// Random adds that break at random positions at several peers, with progress
// in different steps: the nodes are delivered exactly once and in order, and
// the progress of a file never goes back.
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

// multiFile makes a reader of files, and says what it will give.
func multiFile(contents ...string) (*files.MultiFileReader, func(boundary string) []byte) {
	build := func() files.Directory {
		var entries []files.DirEntry
		for i, content := range contents {
			entries = append(entries, files.FileEntry(fmt.Sprintf("f%d", i), files.NewBytesFile([]byte(content))))
		}
		return files.NewSliceDirectory(entries)
	}
	return files.NewMultiFileReader(build(), true, false), func(boundary string) []byte {
		second := files.NewMultiFileReader(build(), true, false)
		b, err := io.ReadAll(second)
		if err != nil {
			panic(err)
		}
		return bytes.ReplaceAll(b, []byte(second.Boundary()), []byte(boundary))
	}
}

// U1: upstream sent the rest of a half-read body to the next peer, which added
// only what it could make sense of, and the call returned nil. Here every peer
// gets the body from its beginning.
func TestU1BodyIsSentFromTheBeginning(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<16)
	for _, reads := range []int64{0, 1, 1000, 1 << 19, 1<<20 + 100, -1} {
		for name, bounds := range map[string][2]int64{
			"memory": {8 << 20, 16 << 20}, "disk": {0, 16 << 20}, "both": {1 << 18, 16 << 20},
		} {
			t.Run(fmt.Sprintf("%s/%d", name, reads), func(t *testing.T) {
				fakes := newFakes(2)
				fakes[0].answer = fails(brokenError())
				fakes[1].outputs = someOutputs
				bodied := []*bodyFake{{fake: fakes[0], reads: func(int) int64 { return reads }}, {fake: fakes[1]}}
				c := newLB(t, &strategy.Failover{}, bodied, 1, WithReplayLimit(bounds[0], bounds[1]), WithReplayDir(t.TempDir()))
				r, want := multiFile(big, "small")
				got, err := addAll(func(out chan<- *api.AddedOutput) error { return c.AddMultiFile(t.Context(), r, nil, out) })
				if err != nil || got != someText {
					t.Fatalf("got %q, %v", got, err)
				}
				whole := want(r.Boundary())
				if !bytes.Equal(bodied[1].body(0), whole) {
					t.Errorf("b got %d bytes, which are not the body", len(bodied[1].body(0)))
				}
				if first := bodied[0].body(0); !bytes.Equal(first, whole[:len(first)]) {
					t.Error("a did not get the beginning of the body")
				}
			})
		}
	}
}

// Past the bound the upload goes on, but cannot be repeated.
func TestBodyPastTheBound(t *testing.T) {
	for name, opt := range map[string]Option{
		"bound":   WithReplayLimit(100, 1000),
		"nothing": WithReplayLimit(0, 0),
		"no disk": func(o *options) { o.replay = replayBounds{memory: 10, total: 1 << 30, dir: t.TempDir() + "/missing"} },
	} {
		t.Run(name, func(t *testing.T) {
			fakes := newFakes(2)
			c := newLB(t, &strategy.Failover{}, []*bodyFake{{fake: fakes[0]}, {fake: fakes[1]}}, 3, opt)
			r, _ := multiFile(strings.Repeat("x", 5000))
			if err := c.AddMultiFile(t.Context(), r, nil, nil); err != nil {
				t.Errorf("without a failure: %v", err)
			}

			fakes[0].answer = fails(brokenError())
			r, _ = multiFile(strings.Repeat("x", 5000))
			err := c.AddMultiFile(t.Context(), r, nil, nil)
			var e *client.Error
			if !errors.Is(err, client.ErrBodyNotReplayable) || !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &e) {
				t.Errorf("got %v, want the attempt's error and that the body cannot be repeated", err)
			}
			checkCalls(t, "a2 b0", fakes...)

			// An answer is no matter of bodies.
			fakes[0].answer = fails(statusError(400))
			r, _ = multiFile(strings.Repeat("x", 5000))
			if err := c.AddMultiFile(t.Context(), r, nil, nil); errors.Is(err, client.ErrBodyNotReplayable) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// U16: upstream tried an unreadable source at every peer.
func TestU16SourceErrorIsFinal(t *testing.T) {
	fakes := newFakes(3)
	w := &watched{}
	c := newLB(t, w, []*bodyFake{{fake: fakes[0]}, {fake: fakes[1]}, {fake: fakes[2]}}, 5)
	bad := errors.New("disk on fire")
	for range 6 {
		dir := files.NewSliceDirectory([]files.DirEntry{files.FileEntry("f", files.NewReaderFile(io.MultiReader(strings.NewReader("abc"), badReader{bad})))})
		err := c.AddMultiFile(t.Context(), files.NewMultiFileReader(dir, true, false), nil, nil)
		var e *client.Error
		if !errors.Is(err, client.ErrSource) || !errors.Is(err, bad) || !errors.As(err, &e) {
			t.Errorf("got %v, want the source's error", err)
		}
	}
	checkSets(t, w, "abc")
	if n := len(c.pool.endpoints[0].Client.(*bodyFake).bodies); n != 6 {
		t.Errorf("a was asked %d times, want 6", n)
	}
	if len(c.pool.endpoints[1].Client.(*bodyFake).bodies) != 0 {
		t.Error("b was asked, too")
	}
}

type badReader struct{ err error }

func (r badReader) Read([]byte) (int, error) { return 0, r.err }

// A client that takes nothing but the reader gets it, once.
func TestClientsWithoutAddBody(t *testing.T) {
	fakes := newFakes(2)
	c := newLB(t, &strategy.Failover{}, fakes, 3)
	r, _ := multiFile("x")
	if err := c.AddMultiFile(t.Context(), r, nil, nil); err != nil {
		t.Errorf("without a failure: %v", err)
	}
	fakes[0].answer = fails(brokenError())
	r, _ = multiFile("x")
	err := c.AddMultiFile(t.Context(), r, nil, nil)
	if !errors.Is(err, client.ErrBodyNotReplayable) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	checkCalls(t, "a2 b0", fakes...)

	// Mixed with one that takes a body.
	fakes = newFakes(2)
	fakes[0].answer = fails(brokenError())
	c = newLB(t, &strategy.Failover{}, []client.Client{&bodyFake{fake: fakes[0]}, fakes[1]}, 3)
	r, _ = multiFile("x")
	if err := c.AddMultiFile(t.Context(), r, nil, nil); !errors.Is(err, client.ErrBodyNotReplayable) {
		t.Errorf("got %v", err)
	}
	checkCalls(t, "a1 b0", fakes...)
	body := &client.Body{Boundary: "b", Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }}
	_, err = addAll(func(out chan<- *api.AddedOutput) error {
		return newLB(t, &strategy.Failover{}, fakes, 3).AddBody(t.Context(), body, nil, out)
	})
	var e *client.Error
	if !errors.Is(err, client.ErrBodyNotReplayable) || !errors.As(err, &e) {
		t.Errorf("got %v", err)
	}
}

// A load balancer within another takes bodies, so that an upload survives the
// failure of a whole region.
func TestNestedBody(t *testing.T) {
	fakes := newFakes(3)
	bodied := []*bodyFake{{fake: fakes[0]}, {fake: fakes[1]}, {fake: fakes[2]}}
	near := newLB(t, &strategy.Failover{}, bodied[:2], 1)
	far := newLB(t, &strategy.Failover{}, bodied[2:], 1)
	both := newLB(t, &strategy.Failover{}, []*Client{near, far}, 1)
	for _, f := range fakes {
		f.outputs = someOutputs
	}
	fakes[0].answer, fakes[1].answer = breaks(4, brokenError()), breaks(6, brokenError())
	r, want := multiFile("hello", "world")
	got, err := addAll(func(out chan<- *api.AddedOutput) error { return both.AddMultiFile(t.Context(), r, nil, out) })
	if err != nil || got != someText {
		t.Errorf("got %q, %v", got, err)
	}
	for i, b := range bodied {
		if !bytes.Equal(b.body(0), want(r.Boundary())) {
			t.Errorf("%d did not get the body", i)
		}
	}
}

// What is compared of an add.
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
