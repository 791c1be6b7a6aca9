package recipe

import (
	"context"
	"errors"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
)

// closeTimeout is how long a caller waits for a removal.
const closeTimeout = 2 * time.Second

// errRemoving is what a caller is told who has not waited for the end.
var errRemoving = errors.New("no answer yet, the node will be deleted when there is one")

// inTime runs remove in the background and waits closeTimeout for it.
func inTime(remove func()) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		remove()
	}()
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
		return errRemoving
	}
}

// created creates an ephemeral node whose creation was given up, and tells
// whether it is there now, whoever made it, or is refused. Writes are carried
// out in order, so the creation that was given up is not under way any more
// then.
func created(c *pyxis.Client, path string, data []byte) bool {
	err := create(c, path, data)
	return err == nil || errors.Is(err, pyxis.ErrExists) || errors.Is(err, pyxis.ErrInvalidArgument)
}

// retry tries something and tells whether it has to be tried again: it has not
// been done and the client is not closed. Then a second has passed.
func retry(client *pyxis.Client, path string, try func(*pyxis.Client) (done bool)) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c := client.WithContext(ctx)
	if try(c) {
		return false
	}
	for _, err := range c.Watch(nil, path) {
		if errors.Is(err, pyxis.ErrClosed) {
			return false
		}
	}
	return true
}
