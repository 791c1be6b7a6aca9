// Package field tests the clients behind real reverse proxies: nginx, haproxy,
// caddy and that of Go's standard library, and against servers that damage an
// upload or answer it too early.
//
// A proxy that is not installed is skipped, but with CI=true on Linux it is
// required. PINFLEET_FIELD_COUNT=10 makes every add of [TestAdds] ten times.
package field

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is the limit of one call. It is far more than a call takes, so that
// only a call that hangs exceeds it.
const patience = 2 * time.Minute

// scratch is a directory for files that several tests share.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "field"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(status int) {
		_ = os.RemoveAll(scratch)
		os.Exit(status)
	}))
}

// within returns a context for one call.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// skipIfShort skips a test that takes long under -short.
func skipIfShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts programs and adds through them, which takes several seconds")
	}
}

// count returns how often each add is made.
func count(t *testing.T) int {
	t.Helper()
	text := os.Getenv("PINFLEET_FIELD_COUNT")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("PINFLEET_FIELD_COUNT is %q: use a number from 1", text)
	}
	return n
}
