package recipe

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/pinfleet/pinfleet/internal/sleep"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/node"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// ErrLost is the cause of a Lock's context that ended because the lock may have
// been lost: the session has (or may have) expired, or another client changed the
// node.
var ErrLost = errors.New("the lock may have been lost")

// Lock is an acquired lock. It holds until Release, or until it may have been
// lost. A lost lock stays lost, even if the session turns out to have survived.
// Its methods are safe for concurrent use.
//
// An action that the holder started earlier can still take effect after the loss,
// for example on a machine that was suspended or behind a slow network. Where
// that matters, the protected resource must reject former holders itself.
type Lock struct {
	client *pyxis.Client
	path   string
	claim  claim

	lost    chan struct{} // closed when the lock may have been lost
	release chan struct{} // closed by Release
	ended   sync.WaitGroup
	once    sync.Once
	err     error // returned by Release
}

// Acquire waits until it holds the lock at path or ctx ends. The lock is an
// ephemeral node, which only one client can create. Missing parents are created.
// value describes the holder to Holders; it may be nil.
//
// A lock is not reentrant. Waiters are not served in order: all of them try
// when the lock becomes free, so it is not suited to hundreds of waiters.
// Release the lock before closing the client: Client.Close ends the session,
// and with it the lock, without warning the holder.
func Acquire(ctx context.Context, c *pyxis.Client, path string, value []byte) (*Lock, error) {
	if c == nil {
		return nil, fmt.Errorf("acquiring %s: %w", path, errNoClient)
	}
	l := &Lock{client: c, path: path, claim: newClaim(value), lost: make(chan struct{}), release: make(chan struct{})}
	h, err := l.acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("acquiring %s: %w", path, err)
	}
	l.ended.Go(func() {
		defer h.leave()
		l.guard(h)
	})
	return l, nil
}

// hold is what a lock depends on.
type hold struct {
	owner   uint64          // the session that owns the node
	session context.Context // ends when that session may have ended
	leave   context.CancelFunc
	touched <-chan *watch.Event // receives when the node changes
}

// acquire waits until the lock is held.
func (l *Lock) acquire(ctx context.Context) (*hold, error) {
	c := l.client.WithContext(ctx)
	tried := false
	for failures := 0; ; {
		touched := make(chan *watch.Event, 1)
		n, err := c.Read(nil, l.path, &pyxis.Watcher{Done: touched})
		switch {
		case errors.Is(err, pyxis.ErrNotFound):
			tried = true
			err = c.CreateAll(&pyxis.WriteOption{IsEphemeral: true}, l.path, l.claim.data())
			if err == nil || errors.Is(err, pyxis.ErrExists) {
				continue // the next Read shows whose it is
			}
		case err != nil:
		case !n.IsEphemeral():
			return nil, ErrPersistent
		case l.claim.made(n):
			session, leave, e := l.client.SessionContext()
			if e == nil {
				if sid, _ := l.client.Session(); sid == n.Owner && session.Err() == nil {
					return &hold{n.Owner, session, leave, touched}, nil
				}
				leave()
			}
			err = ErrLost // lost before Acquire returned
		default:
			select {
			case <-touched:
			case <-ctx.Done():
			}
		}
		if errors.Is(err, pyxis.ErrClosed) || errors.Is(err, pyxis.ErrInvalidArgument) {
			return nil, err
		}
		if err != nil && sleep.For(ctx, pause(failures)) {
			failures++
		}
		if ctx.Err() != nil {
			if tried {
				err = errors.Join(err, inTime(l.abandon))
			}
			return nil, errors.Join(context.Cause(ctx), err)
		}
	}
}

// guard waits until the lock may have been lost, and closes l.lost, or until
// Release is called.
func (l *Lock) guard(h *hold) {
	for {
		select {
		case <-h.session.Done():
			close(l.lost)
			return
		case <-h.touched:
			if h.touched = l.look(h); h.touched == nil {
				close(l.lost)
				return
			}
		case <-l.release:
			return
		}
	}
}

// look reads the node again, while the session is certainly alive. It returns a
// channel that receives at the next change, or nil if the lock is lost.
func (l *Lock) look(h *hold) <-chan *watch.Event {
	touched := make(chan *watch.Event, 1)
	n, err := l.client.WithContext(h.session).Read(nil, l.path, &pyxis.Watcher{Done: touched})
	if err != nil || n.Owner != h.owner || !l.claim.made(n) {
		return nil
	}
	return touched
}

// Context returns a context that is canceled when parent is done, or when
// cancel or Release is called. It is canceled with the cause ErrLost as soon as
// the lock may have been lost, before another client can acquire it. Use it for
// everything that the lock protects.
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

// Release gives up the lock, lost or not. It waits for at most two seconds. An
// error means that the node may still exist; a goroutine then tries to delete
// it until that succeeds or the client is closed. Further calls return the same
// error.
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

// abandon undoes a creation that was given up, and that the server may have
// executed or may still execute.
func (l *Lock) abandon() {
	for retry(l.client, l.path, func(c *pyxis.Client) bool { return created(c, l.path, l.claim.data()) }) {
	}
	l.remove()
}

// remove deletes the node if it belongs to this lock. It goes on until that has
// succeeded or the client is closed: if the session survives, a leftover node
// would hold the lock for ever.
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

// claim is the data of a lock's node: a line that is unique among all locks,
// including those of the same client, and the holder's value.
type claim struct {
	token string
	value []byte
}

func newClaim(value []byte) claim { return claim{rand.Text(), bytes.Clone(value)} }

func (c claim) data() []byte { return append([]byte(c.token+"\n"), c.value...) }

// made reports whether a node was created with this claim.
func (c claim) made(n *node.Node) bool { return bytes.HasPrefix(n.Data, []byte(c.token+"\n")) }
