package pyxis_test

import (
	"errors"
	"testing"

	"github.com/pinfleet/pinfleet/internal/testenv"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/node"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// E14: zero values can be printed, and a client without addresses or options, or with
// a nil Watcher, works or fails without a panic.
func TestZeroAndNil(t *testing.T) {
	testenv.Print(t, pyxis.Error{}, &pyxis.Error{}, pyxis.Options{}, &pyxis.Options{}, pyxis.ReadOption{}, pyxis.WriteOption{}, pyxis.WatchOption{},
		pyxis.Stats{}, pyxis.Update{}, pyxis.Watcher{}, &pyxis.Watcher{}, node.Node{}, &node.Node{}, watch.EventType(0), watch.EventType(1<<31), watch.Event{}, &watch.Event{})
	c := pyxis.NewClient(nil, nil)
	defer c.Close()
	if _, err := c.Read(nil, "/", nil); !errors.Is(err, pyxis.ErrInvalidArgument) {
		t.Errorf("got %v", err)
	}
	c.Notify(nil)()
	if _, err := c.Read(nil, "/", &pyxis.Watcher{}); err == nil {
		t.Error("no error")
	}
}
