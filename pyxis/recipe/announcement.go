package recipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// ErrPersistent says that the node is there and is not ephemeral: nothing that
// was made to stay is replaced.
var ErrPersistent = errors.New("node is persistent: announce under another path, or delete it")

// errDeleted is the passing state between a deletion and the next creation.
var errDeleted = errors.New("node was deleted by somebody")

// Announcement keeps an ephemeral node present, with the data it was given:
// through reconnects, new leaders and new sessions, and when somebody deletes
// the node or writes to it. It has a goroutine, which ends with Close; the client
// should be closed after it. Its methods are safe for concurrent use.
type Announcement struct {
	root   *pyxis.Client // as it was given
	client *pyxis.Client // its calls end with life
	path   string
	log    *slog.Logger

	life  context.Context
	end   context.CancelFunc
	done  chan struct{} // closed when run has ended
	ready chan struct{} // closed when the node was there

	changed chan struct{} // data was set
	mu      sync.Mutex
	data    []byte
	err     error // the last one, nil if the node is as it should be

	once     sync.Once
	closeErr error // of Close

	// Only for run, and for withdraw after it.
	settled bool     // ready is closed
	sids    []uint64 // sessions of ours, the latest last
	unsure  bool     // a creation may be about to be carried out
	owned   uint64   // the session that the node was seen to belong to, 0 since it was lost
}

// Announce creates the ephemeral node at path, and what is missing above it,
// and keeps it until Close. It waits for the first success within ctx; after
// that, trouble is waited out, and told to logger (nil: nobody).
//
// An ephemeral node that is there already is replaced: it was left by a process
// that has crashed, or belongs to one that has the same path by mistake. The
// one that announced last prevails; the other waits until the node is gone.
func Announce(ctx context.Context, c *pyxis.Client, path string, data []byte, logger *slog.Logger) (*Announcement, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	a := &Announcement{
		root: c, path: path, log: logger, data: bytes.Clone(data),
		done: make(chan struct{}), ready: make(chan struct{}), changed: make(chan struct{}, 1),
	}
	a.life, a.end = context.WithCancel(context.WithoutCancel(ctx))
	a.client = c.WithContext(a.life)
	go a.run()
	select {
	case <-a.ready:
		return a, nil
	case <-a.done:
		a.end()
		return nil, fmt.Errorf("announcing %s: %w", path, a.Err())
	case <-ctx.Done():
		err := errors.Join(context.Cause(ctx), a.Err())
		return nil, fmt.Errorf("announcing %s: %w", path, errors.Join(err, a.Close()))
	}
}

// Set replaces the data. It returns at once; the node follows as soon as it
// can.
func (a *Announcement) Set(data []byte) {
	a.mu.Lock()
	a.data = bytes.Clone(data)
	a.mu.Unlock()
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// Err returns what keeps the node from being as it should be, nil if it is so
// as far as is known.
func (a *Announcement) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// Close withdraws the announcement: it deletes the node, if it is still this
// announcement's. It waits two seconds at most: an error says that the node is
// still there as far as is known. It is deleted then as soon as the service can
// be reached, by a goroutine that ends with the client. Close is idempotent.
func (a *Announcement) Close() error {
	a.once.Do(func() {
		a.end()
		<-a.done
		if err := inTime(a.withdraw); err != nil {
			a.closeErr = fmt.Errorf("withdrawing %s: %w", a.path, err)
		}
	})
	return a.closeErr
}

func (a *Announcement) run() {
	defer close(a.done)
	var last time.Time // when something had to be done, or failed
	for troubles := 0; ; {
		fired := make(chan *watch.Event, 1)
		acted, err := a.settle(fired)
		if a.life.Err() != nil {
			return
		}
		a.setErr(err)
		if !acted && err == nil {
			select {
			case <-fired:
			case <-a.changed:
			case <-a.life.Done():
			}
			continue
		}
		if errors.Is(err, pyxis.ErrClosed) || !a.settled && isFinal(err) {
			return
		}
		if err != nil {
			a.log.Warn("announcement is not as it should be, will try again", "path", a.path, "error", err)
		}
		// Also after a success, which is looked at again: there may be somebody
		// who undoes it each time.
		if time.Since(last) > 2*maxPause {
			troubles = 0
		}
		last = time.Now()
		sleep(a.life, pause(troubles))
		troubles++
	}
}

// isFinal tells whether there is no use in trying again.
func isFinal(err error) bool {
	return errors.Is(err, pyxis.ErrInvalidArgument) || errors.Is(err, ErrPersistent)
}

func (a *Announcement) setErr(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

// settle makes the node what it should be, and tells whether it had to do
// something for it. fired receives an event when that has to be looked at again.
func (a *Announcement) settle(fired chan *watch.Event) (acted bool, err error) {
	a.mu.Lock()
	data := a.data
	a.mu.Unlock()
	n, err := a.client.Read(nil, a.path, &pyxis.Watcher{Done: fired})
	a.remember()
	switch {
	case errors.Is(err, pyxis.ErrNotFound) && a.isCurrent(a.owned):
		// Somebody deleted it, and may be about to put another in its place.
		a.owned = 0
		return false, errDeleted
	case errors.Is(err, pyxis.ErrNotFound):
	case err != nil:
		return false, err
	case !n.IsEphemeral():
		return false, ErrPersistent
	case a.isCurrent(n.Owner) && bytes.Equal(n.Data, data):
		a.confirm(n.Owner)
		return false, nil
	case a.isCurrent(n.Owner):
		return true, a.client.Write(nil, a.path, data)
	case a.settled && !slices.Contains(a.sids, n.Owner):
		a.owned = 0
		a.log.Warn("announced by somebody else, waiting until that ends", "path", a.path, "session", n.Owner)
		return false, nil
	default:
		// Left by an earlier session, of this process or another.
		if err := a.client.Delete(nil, a.path); err != nil && !errors.Is(err, pyxis.ErrNotFound) {
			return true, err
		}
	}
	a.unsure = true
	err = create(a.client, a.path, data)
	a.unsure = err != nil && !errors.Is(err, pyxis.ErrExists)
	a.remember()
	if errors.Is(err, pyxis.ErrExists) {
		err = nil // somebody was quicker, or an earlier attempt was carried out
	}
	return true, err
}

// confirm notes that the node is as it should be.
func (a *Announcement) confirm(sid uint64) {
	a.owned = sid
	if !a.settled {
		a.settled = true
		close(a.ready)
	}
}

// isCurrent tells whether sid is the client's session.
func (a *Announcement) isCurrent(sid uint64) bool {
	return len(a.sids) > 0 && a.sids[len(a.sids)-1] == sid
}

// remember notes the client's session. Nodes of the last few can still be
// there.
func (a *Announcement) remember() {
	sid, _ := a.client.Session()
	if sid == 0 || a.isCurrent(sid) {
		return
	}
	a.sids = append(a.sids, sid)
	if len(a.sids) > 4 {
		a.sids = slices.Delete(a.sids, 0, 1)
	}
}

// withdraw deletes the node if it is ours. It goes on until that is done, since
// the client's session may live on, or the client is closed.
func (a *Announcement) withdraw() {
	for a.unsure && retry(a.root, a.path, func(c *pyxis.Client) bool { return created(c, a.path, nil) }) {
	}
	a.remember()
	for retry(a.root, a.path, func(c *pyxis.Client) bool {
		n, err := c.Read(nil, a.path, nil)
		if err == nil && n.IsEphemeral() && slices.Contains(a.sids, n.Owner) {
			err = c.Delete(nil, a.path)
		}
		return err == nil || errors.Is(err, pyxis.ErrNotFound)
	}) {
	}
}
