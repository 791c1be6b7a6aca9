package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/test/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// result is what a run of the command has printed and returned.
type result struct {
	stdout, stderr string
	code           int
}

// environment is the environment of a run. Without HOME, there is no configuration
// file.
type environment map[string]string

func (e environment) lookup(name string) (string, bool) {
	value, ok := e[name]
	return value, ok
}

// of returns the environment for a cluster: the addresses of all its peers.
func of(cluster *clustertest.Cluster) environment {
	return environment{"PINFLEET_API": cluster.AddrList()}
}

// run runs the command with an empty standard input.
func run(ctx context.Context, env environment, args ...string) result {
	return runWith(ctx, env, "", args...)
}

// runWith runs the command with the given standard input.
func runWith(ctx context.Context, env environment, stdin string, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := Run(ctx, args, strings.NewReader(stdin), &stdout, &stderr, env.lookup)
	return result{stdout.String(), stderr.String(), code}
}
