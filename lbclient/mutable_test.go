package lbclient

import (
	"errors"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/strategy"
)

// B7: PinPath and UnpinPath of a mutable path were repeated at another peer after a failure
// that leaves open whether they were executed. The other peer may resolve the path to
// something else, and both would be pinned, or the wrong one unpinned.
func TestB7MutablePathsAreNotResolvedTwice(t *testing.T) {
	for path, mutable := range map[string]bool{
		"/ipns/example.org": true, "/ipns/example.org/a": true, "/ipns//example.org/": true, "//ipns/example.org": true,
		"/ipfs/" + testCid(1).String() + "/../../ipns/example.org": true,
		"/ipfs/" + testCid(1).String():                             false,
		testCid(1).String() + "/a":                                 false,
		"/ipld/" + testCid(1).String():                             false,
		"nonsense":                                                 false,
	} {
		for name, call := range map[string]func(c client.Client) error{
			"pin":   func(c client.Client) error { _, err := c.PinPath(t.Context(), path, api.PinOptions{}); return err },
			"unpin": func(c client.Client) error { _, err := c.UnpinPath(t.Context(), path); return err },
		} {
			t.Run(name+" "+path, func(t *testing.T) {
				for _, failure := range []error{brokenError(), statusError(502), statusError(504)} {
					fakes := newFakes(2)
					fakes[0].answer = fails(failure)
					err := call(newLB(t, &strategy.Failover{}, fakes, 3))
					var e *client.Error
					switch {
					case !mutable && err != nil:
						t.Errorf("after %v: %v", failure, err)
					case mutable && (!errors.Is(err, failure) || !errors.As(err, &e) || !e.MayHaveExecuted):
						t.Errorf("after %v: %v", failure, err)
					case mutable:
						checkCalls(t, "a1 b0", fakes...)
					}
				}
				// What was provably not sent is.
				fakes := newFakes(2)
				fakes[0].answer = fails(dialError())
				if err := call(newLB(t, &strategy.Failover{}, fakes, 3)); err != nil {
					t.Error(err)
				}
				checkCalls(t, "a1 b1", fakes...)
			})
		}
	}
}
