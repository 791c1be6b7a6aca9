package conformance_test

import (
	"net/http"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// liveRun prepares a run of TestLive in a separate process, so that the run may
// fail or be interrupted. The cluster is in this process.
func liveRun(t *testing.T, c *clustertest.Cluster, run string, env ...string) (cmd *exec.Cmd, output *strings.Builder) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the suite in a process of its own, which takes some seconds")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(t.Context(), self, "-test.run="+run, "-test.v")
	for _, setting := range os.Environ() {
		if !strings.HasPrefix(setting, "PINFLEET_") {
			cmd.Env = append(cmd.Env, setting)
		}
	}
	cmd.Env = append(append(cmd.Env, "PINFLEET_CLUSTER="+c.AddrList()), env...)
	output = &strings.Builder{}
	cmd.Stdout, cmd.Stderr = output, output
	return cmd, output
}

// TestRaftPinsKeepTheirOptions: a run of the suite on a Raft cluster once left
// its expiry of one hour on 430 of 431 pins, because the server applies the
// options of earlier pins to later ones (Q9).
func TestRaftPinsKeepTheirOptions(t *testing.T) {
	for _, test := range []struct {
		name string
		run  string
		env  []string
		harm bool
	}{
		{"Detected", "TestLive/(http|Sticky)", nil, false},
		{"Stated", "TestLive/Failover", []string{"PINFLEET_CLUSTER_CONSENSUS=raft"}, false},
		{"Accepted", "TestLive/Failover/(AddOptions|PinAndUnpin)", []string{"PINFLEET_CLUSTER_RAFT_LEAKS=accepted"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := clustertest.New(t, clustertest.Options{Consensus: clustertest.Raft})
			before := pinByHand(t, c, "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy")
			cmd, output := liveRun(t, c, test.run, test.env...)
			if err := cmd.Run(); err != nil {
				t.Fatalf("the run failed: %v\n%s", err, output)
			}
			after := pinByHand(t, c, "bafkreiewdnw5h3pdzohmxkwl22g6aqgnpdvs5vmiseymz22mjeti5jgvay")
			if harm := !reflect.DeepEqual(before.PinOptions, after.PinOptions); harm != test.harm {
				t.Errorf("harm done: %t, want %t: options before and after are\n%+v\n%+v", harm, test.harm, before.PinOptions, after.PinOptions)
			}
			if n := strings.Count(output.String(), "pin options are not tested"); test.env == nil && n != 1 {
				t.Errorf("said %d times that pin options are not tested:\n%s", n, output)
			}
		})
	}
}

// pinByHand pins a CID without options and returns the stored pin.
func pinByHand(t *testing.T, c *clustertest.Cluster, text string) *api.Pin {
	t.Helper()
	by, err := client.NewDefaultClient(&config.Config{APIAddr: c.Peer(0).Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer by.Close()
	ci := cid.MustParse(text)
	if _, err := by.Pin(t.Context(), ci, api.PinOptions{}); err != nil {
		t.Fatal(err)
	}
	pin, err := by.Allocation(t.Context(), ci)
	if err != nil {
		t.Fatal(err)
	}
	return pin
}

// TestFailedRunUnpins checks that a run unpins what it has pinned, even if pins
// and adds are executed and then reported as failed or lost.
func TestFailedRunUnpins(t *testing.T) {
	pinning := func(r *http.Request) bool { return r.URL.Query().Get("no-pin") != "true" }
	for name, fault := range map[string]clustertest.Fault{
		"Pin":     {Route: "POST /pins/{hash}", Effect: clustertest.AnswerAfter(500, "")},
		"PinPath": {Route: "POST /pins/{keyType}/{path...}", Effect: clustertest.CutAfter()},
		"Add":     {Route: "POST /add", Match: pinning, Effect: clustertest.CutAfter()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clustertest.New(t, clustertest.Options{Peers: 1})
			var pinned atomic.Bool
			effect := fault.Effect
			fault.Effect = func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer func() { pinned.CompareAndSwap(false, len(c.Pinset()) > 0) }()
					effect(next).ServeHTTP(w, r)
				})
			}
			c.InjectAll(fault)
			cmd, output := liveRun(t, c, "TestLive/http", "PINFLEET_CLUSTER_CONSENSUS=crdt")
			if err := cmd.Run(); err == nil {
				t.Errorf("the run succeeded:\n%s", output)
			}
			if !pinned.Load() {
				t.Errorf("nothing was ever pinned:\n%s", output)
			}
			expectNothingPinned(t, c, output)
		})
	}
}

// TestInterruptedRunUnpins checks that a run that is interrupted during a test
// ends at once and unpins.
func TestInterruptedRunUnpins(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be interrupted on windows")
	}
	c := clustertest.New(t, clustertest.Options{})
	reached := make(chan struct{})
	var once sync.Once
	c.InjectAll(clustertest.Fault{
		Route: "GET /allocations/{hash}",
		Times: 1,
		Match: func(*http.Request) bool {
			pinned := len(c.Pinset()) > 0
			if pinned {
				once.Do(func() { close(reached) })
			}
			return pinned
		},
		Effect: clustertest.Hang(),
	})
	cmd, output := liveRun(t, c, "TestLive", "PINFLEET_CLUSTER_CONSENSUS=crdt")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-reached:
	case err := <-ended:
		t.Fatalf("the run ended before it pinned anything: %v\n%s", err, output)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(output.String(), "ended before") {
		t.Errorf("the run was not interrupted: %v\n%s", err, output)
	}
	expectNothingPinned(t, c, output)
}

func expectNothingPinned(t *testing.T, c *clustertest.Cluster, output *strings.Builder) {
	t.Helper()
	if left := c.Pinset(); len(left) > 0 {
		t.Errorf("%d pins are left, the first is %+v; the run said\n%s", len(left), left[0], output)
	}
}

// TestUnreachableClusterFails checks that a run fails if the named cluster
// cannot be reached. It must not skip tests.
func TestUnreachableClusterFails(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	c.Peer(0).Stop()
	cmd, output := liveRun(t, c, "TestLive/(http|Failover)")
	if err := cmd.Run(); err == nil || !strings.Contains(output.String(), "--- FAIL: TestLive/Failover") {
		t.Errorf("got %v\n%s", err, output)
	}
}
