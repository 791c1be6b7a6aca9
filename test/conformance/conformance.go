// Package conformance is one test suite over any client.Client: what a caller
// may rely on, whatever the transport, and with or without a load balancer in
// between.
//
//	conformance.Run(t, func() (client.Client, error) { return client.NewDefaultClient(cfg) })
//
// # On a real cluster
//
// The suite runs against clusters with other content in them, in process or real.
// It adds small files with content of its own, and unpins what it pinned, also
// when it fails or its context ends; what it could not unpin is named in the
// failure. Blocks that it stored without pinning stay until the next garbage
// collection. It collects garbage at one peer and recovers what is in error.
//
// Warning: with Raft consensus, ipfs-cluster v1.1.6 keeps the options of a pin for
// all later pins of anybody that do not set them, because it decodes every entry
// of its log into the same value and leaves out what is zero. One pin with an
// expiry makes all later ones expire with it. So the suite sets pin options only
// on a cluster that is known to have CRDT consensus; elsewhere it pins without,
// and leaves out the tests that are about nothing else. [WithRaftLeaks] makes it
// set them all the same, and is for clusters that are thrown away afterwards.
//
// The test TestLive of this package runs it with a client for each address in
// PINFLEET_CLUSTER, separated by commas, and with the load balancer and each of
// its strategies. PINFLEET_CLUSTER_CONSENSUS, crdt or raft, says which consensus
// component the cluster has where that cannot be told ([DetectConsensus]);
// PINFLEET_CLUSTER_RAFT_LEAKS=accepted stands for WithRaftLeaks.
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

// An Option changes how the suite runs.
type Option func(*suite)

// WithContext ends the run when ctx ends: the test under way fails, the rest is
// left out, and what was pinned is unpinned. The default is the context of the
// test.
func WithContext(ctx context.Context) Option { return func(s *suite) { s.ctx = ctx } }

// WithConsensus says which consensus component the cluster has; the zero value
// says that it cannot be told. The default is to ask [DetectConsensus].
func WithConsensus(c Consensus) Option {
	return func(s *suite) { s.consensus, s.stated = c, true }
}

// WithRaftLeaks makes the suite set pin options on a cluster with Raft consensus
// too. They stay for all later pins of anybody that do not set them.
func WithRaftLeaks() Option { return func(s *suite) { s.leaks = true } }

// Run runs the suite over clients that open makes. Each call of open must
// return a client of its own, to be closed by the suite, for the same cluster.
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

// suite is the client under test.
type suite struct {
	client.Client
	open func() (client.Client, error)
	// ctx ends the run early.
	ctx context.Context
	// consensus is that of the cluster, said by the caller if stated is set.
	consensus Consensus
	stated    bool
	leaks     bool
	// touched are the CIDs that the run may have pinned.
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

// adding returns params for content that is pinned: the default ones, or on
// clusters where no pin option may be set those that set none.
func (s *suite) adding() *api.AddParams {
	params := api.DefaultAddParams()
	if !s.maySetOptions() {
		params.PinOptions = api.PinOptions{}
	}
	return params
}

// stored adds one file of new content, without pinning it.
func (s *suite) stored(t *testing.T, label string) cid.Cid {
	t.Helper()
	path := filepath.Join(write(t, "stored", map[string][]byte{"f": unique(label)}), "f")
	outputs, err := s.add(s.within(t), []string{path}, unpinned())
	if err != nil {
		t.Fatalf("Add: %v", err)
	}
	return root(t, outputs)
}

// pinned pins one file of new content, and unpins it at the end of the test.
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

// checkPinned waits until ci is in the pinset of all peers, as check wants it.
func (s *suite) checkPinned(t *testing.T, ci cid.Cid, check func(*api.Pin) error) {
	t.Helper()
	// A peer that has the pin asks those that the pin is allocated to.
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
