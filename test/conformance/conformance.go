// Package conformance is one test suite over any client.Client: what a caller
// may rely on, whatever the transport, and with or without a load balancer in
// between. It runs against clusters with other content in them, in process or
// real; it unpins what it pinned.
//
//	conformance.Run(t, func() (client.Client, error) { return client.NewDefaultClient(cfg) })
package conformance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// patience bounds each test, and each wait for a cluster to agree.
const patience = time.Minute

// Run runs the suite over clients that open makes. Each call of open must
// return a client of its own, to be closed by the suite, for the same cluster.
func Run(t *testing.T, open func() (client.Client, error)) {
	c, err := open()
	if err != nil {
		t.Fatalf("cannot make a client: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	s := &suite{Client: c, open: open}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"Identity", testIdentity},
		{"Membership", testMembership},
		{"Monitoring", testMonitoring},
		{"Token", testToken},
		{"AddKnownContent", testAddKnownContent},
		{"AddTree", testAddTree},
		{"AddSeveralPaths", testAddSeveralPaths},
		{"AddProgress", testAddProgress},
		{"AddOptions", testAddOptions},
		{"AddMultiFile", testAddMultiFile},
		{"AddNoOut", testAddNoOut},
		{"AddRefused", testAddRefused},
		{"AddServerError", testAddServerError},
		{"PinAndUnpin", testPinAndUnpin},
		{"PinDirect", testPinDirect},
		{"PinPath", testPinPath},
		{"PinUpdate", testPinUpdate},
		{"PinRefused", testPinRefused},
		{"Allocations", testAllocations},
		{"StatusAll", testStatusAll},
		{"StatusCids", testStatusCids},
		{"Recover", testRecover},
		{"WaitFor", testWaitFor},
		{"BreakOutOfListing", testBreak},
		{"CancelledContext", testCancelled},
		{"ConsumerStopsReading", testConsumerStops},
		{"Concurrent", testConcurrent},
		{"RepoGC", testRepoGC},
		{"Closed", testClosed},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
}

// suite is the client under test.
type suite struct {
	client.Client
	open func() (client.Client, error)
}

// within returns a context for one test.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// agreement is how many answers in a row make a cluster agree: a load balancer
// may ask another peer each time.
const agreement = 6

// agreed retries what a cluster that is only eventually consistent may need a
// moment for, until all peers can be expected to answer alike.
func agreed(t *testing.T, try func(context.Context) error) {
	t.Helper()
	inARow := 0
	eventually(t, func(ctx context.Context) error {
		for inARow < agreement {
			if err := try(ctx); err != nil {
				inARow = 0
				return err
			}
			inARow++
		}
		return nil
	})
}

// eventually retries what a cluster that is only eventually consistent may
// need a moment for at the peer that is asked.
func eventually(t *testing.T, try func(context.Context) error) {
	t.Helper()
	ctx := within(t)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not within %s: %v", patience, err)
		}
	}
}

// unique returns content that no other run adds.
func unique(label string) []byte { return []byte(label + " " + rand.Text() + "\n") }

// write writes files, named by slash-separated paths below a new directory
// whose name is base, and returns the path of that directory.
func write(t *testing.T, base string, content map[string][]byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), base)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range content {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// add adds paths and returns what was reported.
func (s *suite) add(ctx context.Context, paths []string, params *api.AddParams) ([]*api.AddedOutput, error) {
	return collect(func(out chan<- *api.AddedOutput) error { return s.Add(ctx, paths, params, out) })
}

// collect reads what an add reports, until it closes the channel.
func collect(add func(out chan<- *api.AddedOutput) error) ([]*api.AddedOutput, error) {
	out := make(chan *api.AddedOutput)
	done := make(chan error, 1)
	go func() { done <- add(out) }()
	var all []*api.AddedOutput
	for o := range out {
		all = append(all, o)
	}
	return all, <-done
}

// nodes are the outputs that name a CID.
func nodes(outputs []*api.AddedOutput) []*api.AddedOutput {
	var all []*api.AddedOutput
	for _, o := range outputs {
		if o.Cid.Defined() {
			all = append(all, o)
		}
	}
	return all
}

// root returns the CID of the last node.
func root(t *testing.T, outputs []*api.AddedOutput) cid.Cid {
	t.Helper()
	all := nodes(outputs)
	if len(all) == 0 {
		t.Fatal("no node was reported")
	}
	return all[len(all)-1].Cid.Cid
}

// unpinned returns params for content that is stored but not pinned.
func unpinned() *api.AddParams {
	params := api.DefaultAddParams()
	params.NoPin = true
	params.Recursive = true
	return params
}

// stored adds one file of new content, without pinning it.
func (s *suite) stored(t *testing.T, label string) cid.Cid {
	t.Helper()
	path := filepath.Join(write(t, "stored", map[string][]byte{"f": unique(label)}), "f")
	outputs, err := s.add(within(t), []string{path}, unpinned())
	if err != nil {
		t.Fatalf("Add: %v", err)
	}
	return root(t, outputs)
}

// pinned pins one file of new content, and unpins it at the end of the test.
func (s *suite) pinned(t *testing.T, label string, opts api.PinOptions) cid.Cid {
	t.Helper()
	ci := s.stored(t, label)
	if _, err := s.Pin(within(t), ci, opts); err != nil {
		t.Fatalf("Pin: %v", err)
	}
	s.unpinLater(t, ci)
	agreed(t, func(ctx context.Context) error {
		_, err := s.Allocation(ctx, ci)
		return err
	})
	return ci
}

// unpinLater unpins ci at the end of the test, if it is pinned then.
func (s *suite) unpinLater(t *testing.T, ci cid.Cid) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if _, err := s.Unpin(ctx, ci); err != nil && !errors.Is(err, client.ErrNotFound) {
			t.Errorf("Unpin: %v", err)
		}
	})
}

// want fails the test unless err is, or wraps, target.
func want(t *testing.T, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: got error %v, want %v", what, err, target)
	}
}

// names are the names of outputs, one to a line.
func names(outputs []*api.AddedOutput) string {
	text := ""
	for _, o := range outputs {
		text += fmt.Sprintf("%q\n", o.Name)
	}
	return text
}
