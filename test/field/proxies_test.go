package field

import (
	"net/url"
	"testing"

	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// A proxy is a kind of reverse proxy with its configuration.
type proxy struct {
	name string
	// start puts a proxy in front of each peer until the test ends, and returns the
	// addresses at which they listen.
	start func(t *testing.T, peers []string) []string
	// base is the path below which the proxy serves the API.
	base string
	// username and password are what the proxy asks for.
	username, password string
	// damages is set if streamed adds are damaged.
	damages bool
	// dropsTrailers is set if listings arrive without their trailer.
	dropsTrailers bool
}

// proxies returns all proxies through which everything must work.
func proxies() []proxy {
	var all []proxy
	all = append(all, nginxProxies()...)
	all = append(all, haproxy(), caddy())
	return append(all, goProxies()...)
}

// configs starts the proxy in front of the peers of a cluster, and returns the
// settings for clients.
func (p proxy) configs(t *testing.T, cluster *clustertest.Cluster) []*config.Config {
	t.Helper()
	var peers []string
	for _, peer := range cluster.Peers() {
		addr, err := manet.ToNetAddr(peer.Addr())
		if err != nil {
			t.Fatal(err)
		}
		peers = append(peers, addr.String())
	}
	var cfgs []*config.Config
	for _, front := range p.start(t, peers) {
		cfgs = append(cfgs, &config.Config{
			URL:                    (&url.URL{Scheme: "http", Host: front, Path: p.base}).String(),
			Username:               p.username,
			Password:               p.password,
			AllowUnverifiedStreams: p.dropsTrailers,
		})
	}
	return cfgs
}

// direct returns the settings for clients that use no proxy.
func direct(cluster *clustertest.Cluster) []*config.Config {
	var cfgs []*config.Config
	for _, peer := range cluster.Peers() {
		cfgs = append(cfgs, &config.Config{APIAddr: peer.Addr()})
	}
	return cfgs
}

// eachProxy runs a subtest for each proxy in front of each peer of a new
// cluster.
func eachProxy(t *testing.T, opts clustertest.Options, test func(t *testing.T, p proxy, cluster *clustertest.Cluster, cfgs []*config.Config)) {
	t.Helper()
	for _, p := range proxies() {
		t.Run(p.name, func(t *testing.T) {
			cluster := clustertest.New(t, opts)
			test(t, p, cluster, p.configs(t, cluster))
		})
	}
}
