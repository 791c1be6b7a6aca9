package etcd_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails if the tests leave a goroutine of this module or of etcd's client.
// The server in this process leaves some of its own when it is stopped.
func TestMain(m *testing.M) {
	code := run(m)
	var left []string
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) { // goroutines end a little later than what they serve
		if left = goroutines(); len(left) == 0 || time.Now().After(deadline) {
			break
		}
	}
	if len(left) > 0 && code == 0 {
		fmt.Fprintln(os.Stderr, "left:\n"+strings.Join(left, "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// run runs the tests, or follows a prefix if the process is a follower.
func run(m *testing.M) int {
	where := os.Getenv(followVariable)
	if where == "" {
		return m.Run()
	}
	if err := follow(where, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// goroutines returns the stacks of the other goroutines that run code of this
// module or of etcd's client.
func goroutines() []string {
	buf := make([]byte, 16<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var found []string
	for _, stack := range strings.Split(string(buf), "\n\n")[1:] { // the first is this one
		if strings.Contains(stack, "github.com/pinfleet/pinfleet") || strings.Contains(stack, "go.etcd.io/etcd/client/v3.") {
			found = append(found, stack)
		}
	}
	return found
}
