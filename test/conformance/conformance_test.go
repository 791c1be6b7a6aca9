package conformance_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
	"github.com/pinfleet/pinfleet/test/conformance"

	_ "github.com/pinfleet/pinfleet/transport/p2p"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// strategies are the load balancer's strategies to test.
var strategies = []struct {
	name string
	new  func() strategy.LBStrategy
}{
	{"Failover", func() strategy.LBStrategy { return &strategy.Failover{} }},
	{"RoundRobin", func() strategy.LBStrategy { return &strategy.RoundRobin{} }},
	{"LeastLoaded", func() strategy.LBStrategy { return &strategy.LeastLoaded{} }},
	{"Sticky", func() strategy.LBStrategy { return &strategy.Sticky{} }},
	{"Weighted", func() strategy.LBStrategy { return &strategy.Weighted{} }},
}

// one returns a function that opens a default client for the first endpoint.
func one(cfgs []*config.Config) func() (client.Client, error) {
	return func() (client.Client, error) { return client.NewDefaultClient(cfgs[0]) }
}

// balanced returns a function that opens a load balancer over all endpoints.
func balanced(s func() strategy.LBStrategy, cfgs []*config.Config) func() (client.Client, error) {
	return func() (client.Client, error) { return lbclient.NewLBClient(s(), cfgs, len(cfgs)) }
}

// nested returns a function that opens a failover over two round robins.
func nested(cfgs []*config.Config) func() (client.Client, error) {
	return func() (client.Client, error) {
		var regions []client.Client
		for _, region := range [][]*config.Config{cfgs[:len(cfgs)-1], cfgs[len(cfgs)-1:]} {
			c, err := lbclient.NewLBClient(&strategy.RoundRobin{}, region, 1)
			if err != nil {
				return nil, err
			}
			regions = append(regions, c)
		}
		return lbclient.New(&strategy.Failover{}, regions, 1)
	}
}

// TestTransports runs the suite over each transport, with authentication.
func TestTransports(t *testing.T) {
	for name, listen := range map[string]clustertest.Listen{
		"http": clustertest.HTTP, "https": clustertest.HTTPS, "unix": clustertest.Unix, "libp2p": clustertest.Libp2p,
	} {
		t.Run(name, func(t *testing.T) {
			conformance.Run(t, one(configs(t, clustertest.Options{Peers: 3, Listen: listen, BasicAuth: map[string]string{"alice": "wonder"}})))
		})
	}
}

// TestConsensus runs the suite against a cluster with Raft consensus. All other
// tests use CRDT.
func TestConsensus(t *testing.T) {
	conformance.Run(t, one(configs(t, clustertest.Options{Consensus: clustertest.Raft})))
}

// TestLoadBalancer runs the suite over the load balancer.
func TestLoadBalancer(t *testing.T) {
	for _, s := range strategies {
		t.Run(s.name, func(t *testing.T) { conformance.Run(t, balanced(s.new, configs(t, clustertest.Options{}))) })
	}
	t.Run("Nested", func(t *testing.T) { conformance.Run(t, nested(configs(t, clustertest.Options{}))) })
}

// configs starts a cluster and returns the configurations of its endpoints.
func configs(t *testing.T, opts clustertest.Options) []*config.Config {
	t.Helper()
	c := clustertest.New(t, opts)
	template := config.Config{}
	for user, password := range opts.BasicAuth {
		template.Username, template.Password = user, password
	}
	if opts.Listen == clustertest.HTTPS {
		template.TLS.CAFile = filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(template.TLS.CAFile, c.CAPEM(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var cfgs []*config.Config
	for _, p := range c.Peers() {
		cfg := template
		cfg.APIAddr = p.Addr()
		cfgs = append(cfgs, &cfg)
	}
	return cfgs
}
