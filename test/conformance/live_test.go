package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/conformance"
)

// TestLive runs the suite against the cluster with the addresses in
// PINFLEET_CLUSTER, separated by commas. The other PINFLEET_ variables apply,
// too. Without PINFLEET_CLUSTER, it does nothing. It fails if the cluster
// cannot be reached. The package documentation describes what it does to the cluster.
func TestLive(t *testing.T) {
	addrs := os.Getenv("PINFLEET_CLUSTER")
	if addrs == "" {
		t.Log("PINFLEET_CLUSTER is not set")
		return
	}
	cfgs, err := config.FromEnv(func(name string) (string, bool) {
		if name == "PINFLEET_API" {
			return addrs, true
		}
		return os.LookupEnv(name)
	})
	if err != nil {
		t.Fatal(err)
	}
	names, err := addressNames(cfgs)
	if err != nil {
		t.Fatal(err)
	}
	options := liveOptions(t, cfgs)
	for i, name := range names {
		t.Run(name, func(t *testing.T) { conformance.Run(t, one(cfgs[i:]), options...) })
	}
	for _, s := range strategies {
		t.Run(s.name, func(t *testing.T) { conformance.Run(t, balanced(s.new, cfgs), options...) })
	}
}

// liveOptions returns the options of a run, from the environment and the
// detected consensus component.
func liveOptions(t *testing.T, cfgs []*config.Config) []conformance.Option {
	t.Helper()
	ctx := untilInterrupted(t)
	options := []conformance.Option{conformance.WithContext(ctx)}
	consensus, err := conformance.ParseConsensus(os.Getenv("PINFLEET_CLUSTER_CONSENSUS"))
	if err != nil {
		t.Fatalf("PINFLEET_CLUSTER_CONSENSUS: %v", err)
	}
	if consensus == "" {
		c, err := balanced(strategies[0].new, cfgs)()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
		consensus = conformance.DetectConsensus(ctx, t, c)
	}
	switch leaks := os.Getenv("PINFLEET_CLUSTER_RAFT_LEAKS"); {
	case leaks != "" && leaks != "accepted":
		t.Fatalf("PINFLEET_CLUSTER_RAFT_LEAKS is %q: accepted is the only value that means something", leaks)
	case consensus == conformance.CRDT:
		t.Log("pin options are tested")
	case leaks == "accepted":
		t.Log("pin options are tested all the same, as PINFLEET_CLUSTER_RAFT_LEAKS=accepted")
		options = append(options, conformance.WithRaftLeaks())
	default:
		t.Log("pin options are not tested; on a cluster to be thrown away, set PINFLEET_CLUSTER_RAFT_LEAKS=accepted")
	}
	return append(options, conformance.WithConsensus(consensus))
}

// untilInterrupted returns a context that ends at an interrupt, or before the
// deadline of the tests, early enough to unpin.
func untilInterrupted(t *testing.T) context.Context {
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop)
	context.AfterFunc(ctx, stop) // a second interrupt kills the process
	if deadline, ok := t.Deadline(); ok {
		reserve := min(time.Minute, time.Until(deadline)/4)
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, deadline.Add(-reserve), errors.New("the time of go test -timeout is nearly over"))
		t.Cleanup(cancel)
	}
	return ctx
}

// notInNames matches everything except letters and digits.
var notInNames = regexp.MustCompile(`[^A-Za-z0-9]+`)

// addressNames returns the name of a subtest for each address: the transport
// and the port, socket or peer. No character of a name has a special meaning in
// the pattern of go test -run.
func addressNames(cfgs []*config.Config) ([]string, error) {
	names := make([]string, len(cfgs))
	seen := map[string]int{}
	for i, cfg := range cfgs {
		addr, err := cfg.Address()
		if err != nil {
			return nil, err
		}
		where := addr.URL().Host
		switch addr.Scheme {
		case config.SchemeHTTP, config.SchemeHTTPS:
			if _, where, err = net.SplitHostPort(addr.HostPort); err != nil {
				return nil, err
			}
		case config.SchemeUnix:
			where = addr.Socket
		}
		name := addr.Scheme + "-" + strings.Trim(notInNames.ReplaceAllString(where, "-"), "-")
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, seen[name])
		}
		names[i] = name
	}
	return names, nil
}

// TestAddressNames: names of subtests once contained slashes. go test -run
// splits its pattern at slashes, so no pattern selected a test of one address.
func TestAddressNames(t *testing.T) {
	const id = "12D3KooWGcLX1k8e47ZeBULjF7y1U2VDAPPA9Bhwj1hdKn4SX6TY"
	for addrs, want := range map[string]string{
		"/ip4/127.0.0.1/tcp/9094,/ip4/127.0.0.1/tcp/9194":             "http-9094 http-9194",
		"/ip4/10.0.0.1/tcp/9094,/ip4/10.0.0.2/tcp/9094,10.0.0.3:9094": "http-9094 http-9094-2 http-9094-3",
		"https://peer.example/cluster,/ip6/::1/tcp/9094/https":        "https-443 https-9094",
		"/unix/run/ipfs-cluster/api.sock":                             "unix-run-ipfs-cluster-api-sock",
		"/ip4/10.0.0.1/tcp/9096/p2p/" + id:                            "p2p-" + id,
		"/dnsaddr/peer.example":                                       "dnsaddr-peer-example",
	} {
		cfgs, err := config.ParseAddrs(addrs)
		if err != nil {
			t.Fatal(err)
		}
		names, err := addressNames(cfgs)
		if got := strings.Join(names, " "); got != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", addrs, got, err, want)
		}
	}
}
