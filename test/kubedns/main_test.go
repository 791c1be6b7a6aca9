// Package kubedns tests discovery.DNS and discovery.SRV with the answers that the
// name server of Kubernetes gives for headless services, and the manifests in
// docs/kubernetes.md and compose.yaml. It is a module of its own, because the SDK
// needs neither a name server nor a parser of YAML.
//
// The name server is made with github.com/miekg/dns, which CoreDNS is made with
// too, and is reached over UDP and TCP on loopback.
package kubedns

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(lookupEnv); path != "" {
		if err := lookupWith(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
