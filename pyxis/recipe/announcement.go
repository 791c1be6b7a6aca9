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

	"github.com/pinfleet/pinfleet/internal/sleep"
	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// ErrPersistent means that the node exists and is not ephemeral. Persistent
// nodes are never replaced.
var ErrPersistent = errors.New("node is persistent: announce under another path, or delete it")

// errNoClient is the error of calls with a nil client.
var errNoClient = fmt.Errorf("%w: the client is nil", pyxis.ErrInvalidArgument)

// errDeleted is the result of Err between a deletion by another client and the
// next creation.
var errDeleted = errors.New("node was deleted by another client")

// ErrOwned means that another process has announced the same path later. The
// announcement waits until that process ends.
var ErrOwned = errors.New("node belongs to another process: give each process a path of its own")

// Announcement keeps an ephemeral node present with the given data: across
// reconnects, new leaders and new sessions, and even if other clients delete or
// write the node. It has a goroutine, which Close ends. Close the announcement
// before the client. Its methods are safe for concurrent use.
type Announcement struct {
	root   *pyxis.Client // the client passed to Announce
	client *pyxis.Client // a view of root whose calls end with life
	path   string
	log    *slog.Logger

	life  context.Context
	end   context.CancelFunc
	done  chan struct{} // closed when run has ended
	ready chan struct{} // closed when a read first shows the announced node

	changed chan struct{} // data was set
	mu      sync.Mutex
	data    []byte
	err     error // returned by Err

	once     sync.Once
	closeErr error // returned by Close

	// Used by run, and after its end by withdraw.
	settled bool     // ready is closed
	sids    []uint64 // our last sessions, oldest first
	unsure  bool     // a creation may still be executed by the server
	owned   uint64   // the session that last owned the node, 0 after it was lost
}

// Announce creates the ephemeral node at path and its missing parents, and keeps
// it until Close. It waits for the first success or for the end of ctx. Later
// errors are logged to logger, which may be nil, and the announcement tries again.
//
// Announce replaces an existing ephemeral node. Such a node was left by a
// process that crashed, or belongs to a process that uses the same path by
// mistake. Of two such processes, the one that announced last keeps the node;
// the other waits until the node is gone.
func Announce(ctx context.Context, c *pyxis.Client, path string, data []byte, logger *slog.Logger) (*Announcement, error) {
	if c == nil {
		return nil, fmt.Errorf("announcing %s: %w", path, errNoClient)
	}
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

// Set replaces the data. It returns at once; the node is written in the
// background.
func (a *Announcement) Set(data []byte) {
	a.mu.Lock()
	a.data = bytes.Clone(data)
	a.mu.Unlock()
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// Err returns the error of the last attempt to check or correct the node, or nil if
// the node is as announced. It returns [ErrOwned] while the announcement waits
// because another process owns the node.
func (a *Announcement) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// Close withdraws the announcement: it deletes the node if it still belongs to
// this announcement. It waits for at most two seconds. An error means that the
// node may still exist; a goroutine then tries to delete it until that succeeds
// or the client is closed. Further calls return the same error.
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
	var last time.Time // when settle last acted or failed
	for troubles := 0; ; {
		fired := make(chan *watch.Event, 1)
		acted, err := a.settle(fired)
		if a.life.Err() != nil {
			return
		}
		a.setErr(err)
		if !acted && (err == nil || errors.Is(err, ErrOwned)) {
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
		// Pause after a success as well, and then read the node again: another client
		// may undo every change.
		if time.Since(last) > 2*maxPause {
			troubles = 0
		}
		last = time.Now()
		sleep.For(a.life, pause(troubles))
		troubles++
	}
}

// isFinal reports whether trying again is useless.
func isFinal(err error) bool {
	return errors.Is(err, pyxis.ErrInvalidArgument) || errors.Is(err, ErrPersistent)
}

func (a *Announcement) setErr(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

// settle makes the node what it should be and reports whether it had to act.
// fired receives an event when the node must be checked again.
func (a *Announcement) settle(fired chan *watch.Event) (acted bool, err error) {
	a.mu.Lock()
	data := a.data
	a.mu.Unlock()
	n, err := a.client.Read(nil, a.path, &pyxis.Watcher{Done: fired})
	a.remember()
	switch {
	case errors.Is(err, pyxis.ErrNotFound) && a.isCurrent(a.owned):
		// Another client deleted it, and may be about to create its own.
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
		a.log.Warn("another process owns the node, waiting until it ends", "path", a.path, "session", n.Owner)
		return false, ErrOwned
	default:
		// Left by an earlier session of this or another process.
		if err := a.client.Delete(nil, a.path); err != nil && !errors.Is(err, pyxis.ErrNotFound) {
			return true, err
		}
	}
	a.unsure = true
	err = a.client.CreateAll(&pyxis.WriteOption{IsEphemeral: true}, a.path, data)
	a.unsure = err != nil && !errors.Is(err, pyxis.ErrExists)
	a.remember()
	if errors.Is(err, pyxis.ErrExists) {
		err = nil // another client was faster, or an earlier attempt was executed
	}
	return true, err
}

// confirm records that session sid owns the node and that its data is right.
func (a *Announcement) confirm(sid uint64) {
	a.owned = sid
	if !a.settled {
		a.settled = true
		close(a.ready)
	}
}

// isCurrent reports whether sid is the client's latest known session.
func (a *Announcement) isCurrent(sid uint64) bool {
	return len(a.sids) > 0 && a.sids[len(a.sids)-1] == sid
}

// remember records the client's session. Nodes of the last few sessions may
// still exist.
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

// withdraw deletes the node if it belongs to one of our sessions. It tries
// again until that succeeds or the client is closed, because the session, and
// the node with it, may survive.
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
