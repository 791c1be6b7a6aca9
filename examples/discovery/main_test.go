package main

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestStory runs the whole story, in which no call fails.
func TestStory(t *testing.T) {
	if testing.Short() {
		t.Skip("plays in real time")
	}
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if !strings.HasSuffix(out.String(), "\nok\n") {
		t.Errorf("does not end with ok:\n%s", &out)
	}
	for _, want := range []string{
		`three peers announce`, `peer4 served its first call \d+ms later`, `balancer: peer0 is ejected`, `balancer: peer0 is gone`,
		`balancer: peer1 is gone`, `leader of the registry crashes`, `[1-9]\d* files added, [1-9]\d* listings read, no call has failed`,
	} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("%q is missing in:\n%s", want, &out)
		}
	}
}

// TestInterrupted checks that the story ends with its context and leaves no goroutines.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	if err := run(ctx, io.Discard); err == nil {
		t.Error("no error")
	}
}

// TestJoinAndCrash checks that a peer that joins gets traffic. A peer that crashes
// must get no traffic after its ejection, not even when the registry has removed it.
// No call may fail meanwhile.
func TestJoinAndCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("plays in real time")
	}
	f, err := startFleet()
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	s, err := follow(t.Context(), f, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	s.load = startLoad(t.Context(), s.client)
	for _, i := range []int{3, 4} {
		peer := f.cluster.Peer(i)
		if err := f.join(t.Context(), i); err != nil {
			t.Fatal(err)
		}
		if err := s.wait(t.Context(), "it serves", func() bool { return calls(peer) > 0 }); err != nil {
			t.Fatal(err)
		}
	}

	// A stopped peer would not count requests, so the peer cuts each one instead.
	peer := f.cluster.Peer(0)
	f.processes[0].link.cut()
	peer.Inject(clustertest.Fault{Effect: clustertest.CutBefore()})
	info := func() (lbclient.EndpointInfo, bool) {
		for _, e := range s.client.Endpoints() {
			if e.Endpoint == peer.Addr().String() {
				return e, true
			}
		}
		return lbclient.EndpointInfo{}, false
	}
	err = s.wait(t.Context(), "it is ejected and its last calls have ended", func() bool {
		e, there := info()
		return !there || e.State == lbclient.Ejected && e.InFlight == 0
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, there := info(); !there {
		t.Error("the registry was quicker than the ejection")
	}
	last := calls(peer)
	if err := s.wait(t.Context(), "it is forgotten", func() bool { return !s.has(0) }); err != nil {
		t.Fatal(err)
	}
	done := s.load.reads.Load()
	if err := s.wait(t.Context(), "more is read", func() bool { return s.load.reads.Load() > done+200 }); err != nil {
		t.Fatal(err)
	}
	if now := calls(peer); now != last {
		t.Errorf("it got %d calls after its ejection", now-last)
	}
	if err := s.load.end(); err != nil {
		t.Errorf("a call has failed: %v", err)
	}
}

// calls returns the number of a peer's requests without health checks.
func calls(peer *clustertest.Peer) int { return peer.Count("") - peer.Count("GET /health") }
