package recipe

import (
	"context"
	"errors"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
)

// closeTimeout limits how long a caller waits for a removal.
const closeTimeout = 2 * time.Second

// errRemoving is returned if the removal goes on in the background.
var errRemoving = errors.New("no answer yet, the node will be deleted when there is one")

// inTime runs remove in the background and waits at most closeTimeout until it
// returns.
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

// created repeats a creation that was given up. It returns true if the node
// exists now, no matter who created it, or if the service rejects the path. The
// service executes writes in order, so the earlier request cannot take effect
// later.
func created(c *pyxis.Client, path string, data []byte) bool {
	err := c.CreateAll(&pyxis.WriteOption{IsEphemeral: true}, path, data)
	return err == nil || errors.Is(err, pyxis.ErrExists) || errors.Is(err, pyxis.ErrInvalidArgument)
}

// retry calls try and reports whether the caller must call retry again, because
// try has failed and the client is not closed. In that case, retry returns only
// one second after it was called.
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
