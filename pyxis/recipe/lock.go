package recipe

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/node"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// ErrLost is the cause of a lock's context that has ended because the lock may
// have been lost: the session has expired or may have, or somebody has touched
// the node.
var ErrLost = errors.New("the lock may have been lost")

// Lock is a lock that was acquired. It holds until Release, or until it may
// have been lost; then it is of no use any more, also if it turns out that the
// session has survived. Its methods are safe for concurrent use.
//
// What a holder has begun can still take effect after the loss, on a machine
// that was suspended or behind a slow network. Where that matters, what is
// protected has to refuse old holders itself.
type Lock struct {
	client *pyxis.Client
	path   string
	claim  claim

	lost    chan struct{} // closed when the lock may have been lost
	release chan struct{} // closed by Release
	ended   sync.WaitGroup
	once    sync.Once
	err     error // of Release
}

// Acquire waits until it has the lock at path, within ctx. The lock is an
// ephemeral node, which no two clients can create; what is missing above it is
// created. value says who holds it, for Holders; nil is nothing.
//
// A lock is not reentrant, and waiters are not served in order: all of them try
// when it becomes free, so it is not for hundreds of them. Release it before the
// client is closed, which ends the session without a notice.
func Acquire(ctx context.Context, c *pyxis.Client, path string, value []byte) (*Lock, error) {
	l := &Lock{client: c, path: path, claim: newClaim(value), lost: make(chan struct{}), release: make(chan struct{})}
	states := make(chan *watch.Event, 1)
	stop := c.Notify(&pyxis.Watcher{Done: states})
	touched, sid, err := l.acquire(ctx)
	if err != nil {
		stop()
		return nil, fmt.Errorf("acquiring %s: %w", path, err)
	}
	l.ended.Go(func() {
		defer stop()
		l.guard(states, touched, sid)
	})
	return l, nil
}

// acquire returns what tells that the node was touched, and the session that it
// belongs to.
func (l *Lock) acquire(ctx context.Context) (touched chan *watch.Event, sid uint64, err error) {
	c := l.client.WithContext(ctx)
	tried := false
	for failures := 0; ; {
		touched = make(chan *watch.Event, 1)
		n, err := c.Read(nil, l.path, &pyxis.Watcher{Done: touched})
		switch {
		case errors.Is(err, pyxis.ErrNotFound):
			tried = true
			err = create(c, l.path, l.claim.data())
			if err == nil || errors.Is(err, pyxis.ErrExists) {
				continue // the next Read tells whose it is
			}
		case err != nil:
		case !n.IsEphemeral():
			return nil, 0, ErrPersistent
		case l.claim.made(n):
			sid, until := l.client.Session()
			if sid == n.Owner && time.Now().Before(until) {
				return touched, sid, nil
			}
			err = ErrLost // before it was had
		default:
			select {
			case <-touched:
			case <-ctx.Done():
			}
		}
		if errors.Is(err, pyxis.ErrClosed) || errors.Is(err, pyxis.ErrInvalidArgument) {
			return nil, 0, err
		}
		if err != nil && sleep(ctx, pause(failures)) {
			failures++
		}
		if ctx.Err() != nil {
			if tried {
				err = errors.Join(err, inTime(l.abandon))
			}
			return nil, 0, errors.Join(context.Cause(ctx), err)
		}
	}
}

// guard waits for the end of the lock, and closes lost if that is not Release.
func (l *Lock) guard(states, touched <-chan *watch.Event, sid uint64) {
	for {
		now, until := l.client.Session()
		left := time.Until(until)
		if now != sid || left <= 0 {
			close(l.lost)
			return
		}
		expiry := time.NewTimer(left)
		select {
		case <-expiry.C:
		case <-states:
		case <-touched:
			if touched = l.look(sid, until); touched == nil {
				expiry.Stop()
				close(l.lost)
				return
			}
		case <-l.release:
			expiry.Stop()
			return
		}
		expiry.Stop()
	}
}

// look looks at the node again, while the lock is certain. It returns what tells
// that the node was touched after that, nil if the lock is lost.
func (l *Lock) look(sid uint64, until time.Time) <-chan *watch.Event {
	ctx, cancel := context.WithDeadline(context.Background(), until)
	defer cancel()
	touched := make(chan *watch.Event, 1)
	n, err := l.client.WithContext(ctx).Read(nil, l.path, &pyxis.Watcher{Done: touched})
	if err != nil || n.Owner != sid || !l.claim.made(n) {
		return nil
	}
	return touched
}

// Context returns a context that ends with parent, cancel and Release, and with ErrLost
// as its cause as soon as the lock may have been lost: not later than somebody
// else can have it. Whatever the lock protects should be done under it.
func (l *Lock) Context(parent context.Context) (ctx context.Context, cancel context.CancelFunc) {
	ctx, end := context.WithCancelCause(parent)
	go func() {
		select {
		case <-l.lost:
			end(ErrLost)
		case <-l.release:
			end(nil)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { end(nil) }
}

// Release gives the lock up, whether or not it was lost. It waits two seconds at
// most: an error says that the node is still there as far as is known. It is
// deleted then as soon as the service can be reached, by a goroutine that ends
// with the client. Release is idempotent.
func (l *Lock) Release() error {
	l.once.Do(func() {
		close(l.release)
		l.ended.Wait()
		if err := inTime(l.remove); err != nil {
			l.err = fmt.Errorf("releasing %s: %w", l.path, err)
		}
	})
	return l.err
}

// abandon undoes an attempt that was given up, which may have been carried out
// or be about to.
func (l *Lock) abandon() {
	for retry(l.client, l.path, func(c *pyxis.Client) bool { return created(c, l.path, l.claim.data()) }) {
	}
	l.remove()
}

// remove deletes the node if it is this lock's. It goes on until that is done,
// since a lock whose session survives would be taken for ever, or the client is
// closed.
func (l *Lock) remove() {
	for retry(l.client, l.path, func(c *pyxis.Client) bool {
		n, err := c.Read(nil, l.path, nil)
		if err == nil && l.claim.made(n) {
			err = c.Delete(nil, l.path)
		}
		return err == nil || errors.Is(err, pyxis.ErrNotFound)
	}) {
	}
}

// claim is what a lock's node holds: a line that no other lock has, also none
// of the same client, and the holder's value.
type claim struct {
	token string
	value []byte
}

func newClaim(value []byte) claim { return claim{rand.Text(), bytes.Clone(value)} }

func (c claim) data() []byte { return append([]byte(c.token+"\n"), c.value...) }

// made tells whether a node was made by this claim.
func (c claim) made(n *node.Node) bool { return bytes.HasPrefix(n.Data, []byte(c.token+"\n")) }
