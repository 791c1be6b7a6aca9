package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// maxLeases is how many of the last leases are remembered: a key may still have an
// earlier one.
const maxLeases = 4

// errExpired reports a lease that was not kept alive in time.
var errExpired = errors.New("the lease has expired")

// lease is a lease that is kept alive until end is called. The zero value is none.
type lease struct {
	id    clientv3.LeaseID
	alive <-chan *clientv3.LeaseKeepAliveResponse // closed when the lease has expired
	end   context.CancelFunc
}

// run keeps the key until life ends.
func (a *Announcement) run() {
	defer close(a.done)
	defer a.drop()
	for failures := 0; ; {
		err := a.keep()
		switch {
		case a.life.Err() != nil:
			return
		case err == nil:
			failures = 0
			continue
		}
		a.setErr(err)
		a.log.Warn("endpoint may not be announced in etcd, will try again", "key", a.key, "error", err)
		if a.client.Ctx().Err() != nil || !a.settled && isFinal(err) || !pause(a.life, failures) {
			return
		}
		connect(a.client)
		failures++
	}
}

// isFinal reports whether trying again is useless.
func isFinal(err error) bool {
	return errors.Is(err, rpctypes.ErrPermissionDenied) || errors.Is(err, rpctypes.ErrAuthFailed) ||
		errors.Is(err, rpctypes.ErrUserEmpty)
}

// keep puts the key and watches it until something fails, or until it is time to
// look at the key again; then it returns nil. It gets a lease if there is none. An
// error other than the loss of the lease leaves the lease, so that the key stays.
func (a *Announcement) keep() error {
	if err := a.grant(); err != nil {
		return fmt.Errorf("getting a lease: %w", err)
	}
	revision, err := a.put()
	if err != nil {
		return err
	}
	watching, end := context.WithCancel(clientv3.WithRequireLeader(a.life))
	defer end()
	watch := a.client.Watch(watching, a.key, clientv3.WithRev(revision+1))
	again := time.NewTimer(maxAge)
	defer again.Stop()
	for {
		select {
		case _, open := <-a.lease.alive:
			if !open {
				a.drop()
				return errExpired
			}
			continue // the lease was kept alive
		case r, open := <-watch:
			if err := r.Err(); err != nil {
				return fmt.Errorf("watching: %w", err)
			}
			if !open {
				return errors.New("the watch of the key has ended")
			}
			if !a.lost(r.Events) {
				continue
			}
			if !pause(a.life, 0) { // an operator may delete it again and again
				return a.life.Err()
			}
		case <-a.changed:
		case <-again.C:
			return nil
		case <-a.life.Done():
			return a.life.Err()
		}
		if _, err := a.put(); err != nil {
			return err
		}
	}
}

// grant gets a lease and keeps it alive, unless there is one.
func (a *Announcement) grant() error {
	if a.lease.alive != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(a.life, callTimeout)
	defer cancel()
	r, err := a.client.Grant(ctx, int64(a.ttl.Seconds()))
	if err != nil {
		return err
	}
	if len(a.leases) == maxLeases {
		a.leases = slices.Delete(a.leases, 0, 1)
	}
	a.leases = append(a.leases, r.ID)
	life, end := context.WithCancel(a.life)
	alive, err := a.client.KeepAlive(life, r.ID)
	if err != nil {
		end()
		return fmt.Errorf("keeping it alive: %w", err)
	}
	a.lease = lease{id: r.ID, alive: alive, end: end}
	return nil
}

// drop no longer keeps the lease alive. The key has it until it expires, or until
// the key is put with another lease.
func (a *Announcement) drop() {
	if a.lease.end != nil {
		a.lease.end()
	}
	a.lease = lease{}
}

// put makes the key announce the endpoint with the current lease, and returns the
// revision at which that was so. It writes nothing if that is so already, nor if
// another process owns the key; then it sets the error to ErrOwned. Only the first
// put replaces a key of another process.
func (a *Announcement) put() (revision int64, err error) {
	ctx, cancel := context.WithTimeout(a.life, callTimeout)
	defer cancel()
	now, err := a.client.Get(ctx, a.key)
	if err != nil {
		return 0, fmt.Errorf("reading: %w", err)
	}
	value := a.announced()
	var seen int64 // the revision of the key, 0 if there is none
	if len(now.Kvs) > 0 {
		kv := now.Kvs[0]
		seen = kv.ModRevision
		switch id := clientv3.LeaseID(kv.Lease); {
		case id == a.lease.id && string(kv.Value) == value:
			a.settle(ctx)
			return now.Header.Revision, nil
		case a.settled && !slices.Contains(a.leases, id):
			a.setOwned()
			return now.Header.Revision, nil
		}
	}
	r, err := a.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(a.key), "=", seen)).
		Then(clientv3.OpPut(a.key, value, clientv3.WithLease(a.lease.id))).Commit()
	switch {
	case errors.Is(err, rpctypes.ErrLeaseNotFound):
		a.drop()
		return 0, errExpired
	case err != nil:
		return 0, fmt.Errorf("writing: %w", err)
	case !r.Succeeded:
		return 0, errors.New("writing: another process has written the key at the same time")
	}
	a.settle(ctx)
	return r.Header.Revision, nil
}

// settle is called when the key has the current lease. It revokes earlier leases,
// which by then belong to no key, so that nothing is deleted with them.
func (a *Announcement) settle(ctx context.Context) {
	a.setErr(nil)
	if !a.settled {
		a.settled = true
		close(a.ready)
	}
	for _, id := range a.leases {
		if id != a.lease.id {
			_, _ = a.client.Revoke(ctx, id) // if that fails, it expires
		}
	}
	a.leases = append(a.leases[:0], a.lease.id)
}

// lost looks at the events of the key, and reports whether the key is gone and
// must be put again. It sets the error to ErrOwned if another process has put it.
func (a *Announcement) lost(events []*clientv3.Event) bool {
	gone := false
	for _, e := range events {
		switch {
		case e.Type == mvccpb.Event_DELETE:
			gone = true
			a.setErr(errors.New("the key was deleted"))
		case !slices.Contains(a.leases, clientv3.LeaseID(e.Kv.Lease)):
			gone = false
			a.setOwned()
		default:
			gone = false
			a.setErr(nil)
		}
	}
	return gone
}

// setOwned sets the error to ErrOwned, and logs it when that is new.
func (a *Announcement) setOwned() {
	if !errors.Is(a.Err(), ErrOwned) {
		a.log.Warn("another process owns the etcd key, waiting until it ends", "key", a.key)
	}
	a.setErr(ErrOwned)
}

func (a *Announcement) setErr(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

// announced returns the value of the key.
func (a *Announcement) announced() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.value
}
