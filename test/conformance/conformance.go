// Package conformance is a test suite for implementations of client.Client. It
// checks what callers may rely on, with any transport, and with or without a
// load balancer.
//
//	conformance.Run(t, func() (client.Client, error) { return client.NewDefaultClient(cfg) })
//
// # On a real cluster
//
// The suite runs against in-process and real clusters, which may have other
// content. It adds small files with random content. It unpins what it has
// pinned, even if it fails or its context ends. If it cannot unpin an item, the
// test fails with an error that names the item. Blocks that the suite stored
// without pinning remain until the next garbage collection. The suite runs a
// garbage collection at one peer, and recovers all pins that are in error.
//
// Warning: with Raft consensus, ipfs-cluster v1.1.6 applies the options of a
// pin to all later pins that do not set them, even to pins of other clients. The
// server decodes every entry of its log into the same value, and entries omit
// zero fields. Hence, after one pin with an expiry, all later pins expire at that
// time, too. Therefore the suite sets pin options only if the cluster is known
// to have CRDT consensus. Otherwise it pins without options and skips the tests
// that are only about options. [WithRaftLeaks] makes it set options in any
// case. Use it only for clusters that are discarded afterwards.
//
// The test TestLive of this package runs the suite with a client for each
// address in PINFLEET_CLUSTER, separated by commas, and with the load balancer
// and each of its strategies. Set PINFLEET_CLUSTER_CONSENSUS to crdt or raft if
// [DetectConsensus] cannot detect the cluster's consensus component.
// PINFLEET_CLUSTER_RAFT_LEAKS=accepted has the effect of WithRaftLeaks.
package conformance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// An Option configures a run of the suite.
type Option func(*suite)

// WithContext ends the run when ctx ends: the current test fails, the suite
// skips the others and unpins what it has pinned. The default is the context of
// the test.
func WithContext(ctx context.Context) Option { return func(s *suite) { s.ctx = ctx } }

// WithConsensus sets the cluster's consensus component. The zero value means
// that it is unknown. The default is the result of [DetectConsensus].
func WithConsensus(c Consensus) Option {
	return func(s *suite) { s.consensus, s.stated = c, true }
}

// WithRaftLeaks makes the suite set pin options on a cluster with Raft or unknown
// consensus, too. With Raft, they apply to all later pins that do not set them.
func WithRaftLeaks() Option { return func(s *suite) { s.leaks = true } }

// Run runs the suite over clients from open. Each call of open must return a
// new client for the same cluster. The suite closes the clients.
func Run(t *testing.T, open func() (client.Client, error), options ...Option) {
	c, err := open()
	if err != nil {
		t.Fatalf("cannot make a client: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	s := newSuite(t, c, options)
	s.open = open
	t.Cleanup(func() { s.checkUnpinned(t) })
	if s.stated {
		s.checkConsensus(t)
	} else {
		s.consensus = s.detectConsensus(t)
	}
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
		if s.ctx.Err() != nil {
			t.Fatalf("ended before %s: %v", test.name, context.Cause(s.ctx))
		}
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
}

// suite is a run of the suite: the client under test and the state of the run.
type suite struct {
	client.Client
	open func() (client.Client, error)
	// ctx ends the run.
	ctx context.Context
	// consensus is the cluster's consensus component. stated means that the caller
	// has set it.
	consensus Consensus
	stated    bool
	leaks     bool
	// touched holds the CIDs that the run may have pinned.
	touched []cid.Cid
}

func newSuite(t *testing.T, c client.Client, options []Option) *suite {
	s := &suite{Client: c, ctx: t.Context()}
	for _, o := range options {
		o(s)
	}
	return s
}

// unique returns content that no other run adds.
func unique(label string) []byte { return []byte(label + " " + rand.Text() + "\n") }

// write creates a directory with the given base name and files in it, and
// returns its path. The keys of content are slash-separated paths below the directory.
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

// add adds paths and returns the outputs.
func (s *suite) add(ctx context.Context, paths []string, params *api.AddParams) ([]*api.AddedOutput, error) {
	return collect(func(out chan<- *api.AddedOutput) error { return s.Add(ctx, paths, params, out) })
}

// collect returns the outputs of an add.
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

// nodes returns the outputs that have a CID.
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

// unpinned returns params for content that is stored without being pinned.
func unpinned() *api.AddParams {
	params := api.DefaultAddParams()
	params.NoPin = true
	params.Recursive = true
	return params
}

// adding returns params for content that is pinned: the default ones, or ones
// without pin options if these must not be set.
func (s *suite) adding() *api.AddParams {
	params := api.DefaultAddParams()
	if !s.maySetOptions() {
		params.PinOptions = api.PinOptions{}
	}
	return params
}

// stored adds a file with new content without pinning it.
func (s *suite) stored(t *testing.T, label string) cid.Cid {
	t.Helper()
	path := filepath.Join(write(t, "stored", map[string][]byte{"f": unique(label)}), "f")
	outputs, err := s.add(s.within(t), []string{path}, unpinned())
	if err != nil {
		t.Fatalf("Add: %v", err)
	}
	return root(t, outputs)
}

// pinned pins a file with new content. It is unpinned at the end of the test.
func (s *suite) pinned(t *testing.T, label string, opts api.PinOptions) cid.Cid {
	t.Helper()
	ci := s.stored(t, label)
	s.unpinLater(t, ci)
	if _, err := s.Pin(s.within(t), ci, opts); err != nil {
		t.Fatalf("Pin: %v", err)
	}
	s.checkPinned(t, ci, func(*api.Pin) error { return nil })
	return ci
}

// checkPinned waits until ci is in the pinset of all peers and check accepts
// the pin.
func (s *suite) checkPinned(t *testing.T, ci cid.Cid, check func(*api.Pin) error) {
	t.Helper()
	// The peer that is asked may not have the pin in its pinset yet. Once it
	// does, it asks the peers that the pin is allocated to.
	s.eventually(t, func(ctx context.Context) error {
		info, err := s.Status(ctx, ci, false)
		if err != nil {
			return err
		}
		for p, at := range info.PeerMap {
			if at.Status == api.TrackerStatusUnpinned {
				return fmt.Errorf("%s is unpinned at %s, want it pinned or on its way", ci, p)
			}
		}
		return nil
	})
	s.agreed(t, func(ctx context.Context) error {
		pin, err := s.Allocation(ctx, ci)
		if err != nil {
			return fmt.Errorf("%s must be in the pinset: %w", ci, err)
		}
		return check(pin)
	})
}

// want reports an error unless err is or wraps target.
func want(t *testing.T, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: got error %v, want %v", what, err, target)
	}
}

// names returns the names of outputs, one per line.
func names(outputs []*api.AddedOutput) string {
	text := ""
	for _, o := range outputs {
		text += fmt.Sprintf("%q\n", o.Name)
	}
	return text
}
