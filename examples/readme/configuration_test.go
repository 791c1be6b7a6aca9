package readme

import (
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/multiformats/go-multiaddr"

	"github.com/pinfleet/pinfleet/config"
)

import _ "github.com/pinfleet/pinfleet/transport/p2p"

// The code of docs/configuration.md.

func Example_https() {
	https := &config.Config{
		APIAddr:  multiaddr.StringCast("/ip4/10.0.0.1/tcp/9094/https"), // of github.com/multiformats/go-multiaddr
		Username: "alice",
		Password: os.Getenv("CLUSTER_PASSWORD"),
		TLS:      config.TLS{CAFile: "/etc/cluster/ca.pem", ServerName: "peer.example"},
	}
	addr, err := https.Address()
	fmt.Println(addr, err)
	// Output: /ip4/10.0.0.1/tcp/9094/https <nil>
}

var variable = regexp.MustCompile(`PINFLEET_[A-Z_]+`)

// TestEnvironmentIsDocumented checks that docs/configuration.md names exactly
// the variables that FromEnv reads, and that of the conformance suite.
func TestEnvironmentIsDocumented(t *testing.T) {
	asked := map[string]bool{"PINFLEET_CLUSTER": true}
	if _, err := config.FromEnv(func(name string) (string, bool) {
		asked[name] = true
		return "", false
	}); err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, name := range variable.FindAllString(page(t, "docs/configuration.md"), -1) {
		documented[name] = true
		if !asked[name] {
			t.Errorf("docs/configuration.md names %s, which FromEnv does not read", name)
		}
	}
	for name := range asked {
		if !documented[name] {
			t.Errorf("docs/configuration.md does not name %s", name)
		}
	}
}
