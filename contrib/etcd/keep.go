package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// maxLeases is how many of the last leases are remembered: a key may still have an
// earlier one.
const maxLeases = 4

// errExpired ends a lease that was not kept alive in time.
var errExpired = errors.New("the lease has expired")

// run keeps the key until life ends.
func (a *Announcement) run() {
	defer close(a.done)
	for failures := 0; ; failures++ {
		announced, err := a.keep()
		if a.life.Err() != nil {
			return
		}
		if announced {
			failures = 0
		}
		a.setErr(err)
		a.log.Warn("endpoint is not announced in etcd, will try again", "key", a.key, "error", err)
		if a.client.Ctx().Err() != nil || !a.settled && isFinal(err) || !pause(a.life, failures) {
			return
		}
	}
}

// isFinal reports whether trying again is useless.
func isFinal(err error) bool {
	return errors.Is(err, rpctypes.ErrPermissionDenied) || errors.Is(err, rpctypes.ErrAuthFailed) ||
		errors.Is(err, rpctypes.ErrUserEmpty)
}

// keep puts the key with a new lease and keeps both until one is lost. It reports
// whether the key was put, and why it ended.
func (a *Announcement) keep() (announced bool, err error) {
	life, end := context.WithCancel(a.life) // of the keepalive and the watch
	defer end()
	lease, err := a.grant(life)
	if err != nil {
		return false, fmt.Errorf("getting a lease: %w", err)
	}
	alive, err := a.client.KeepAlive(life, lease)
	if err != nil {
		return false, fmt.Errorf("keeping the lease alive: %w", err)
	}
	revision, err := a.put(life)
	if err != nil {
		return false, err
	}
	watch := a.client.Watch(clientv3.WithRequireLeader(life), a.key, clientv3.WithRev(revision+1))
	for {
		select {
		case _, open := <-alive:
			if !open {
				return true, errExpired
			}
			continue // the lease was kept alive
		case r, open := <-watch:
			if err := r.Err(); err != nil {
				return true, fmt.Errorf("watching: %w", err)
			}
			if !open {
				return true, errors.New("the watch of the key has ended")
			}
			if !a.lost(r.Events) {
				continue
			}
			if !pause(life, 0) { // somebody may delete it again and again
				return true, life.Err()
			}
		case <-a.changed:
		case <-life.Done():
			return true, life.Err()
		}
		if errors.Is(a.Err(), ErrOwned) {
			continue // until the other process is gone
		}
		if _, err := a.put(life); err != nil {
			return true, err
		}
	}
}

// grant gets a lease, and gives up the one before, which is about to expire.
func (a *Announcement) grant(ctx context.Context) (clientv3.LeaseID, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if old := a.held(); old != clientv3.NoLease {
		_, _ = a.client.Revoke(ctx, old) // if that fails, it expires
	}
	r, err := a.client.Grant(ctx, int64(a.ttl.Seconds()))
	if err != nil {
		return 0, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lease = r.ID
	a.leases = append(a.leases, r.ID)
	if len(a.leases) > maxLeases {
		a.leases = slices.Delete(a.leases, 0, 1)
	}
	return r.ID, nil
}

// put writes the key with the current lease, and returns the revision at which
// that was so. If another process owns the key, put sets the error to ErrOwned
// and writes nothing. Only the first put replaces a key of another process.
func (a *Announcement) put(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	now, err := a.client.Get(ctx, a.key)
	if err != nil {
		return 0, fmt.Errorf("reading: %w", err)
	}
	var seen int64 // the revision of the key, 0 if there is none
	if len(now.Kvs) > 0 {
		seen = now.Kvs[0].ModRevision
		if a.settled && !slices.Contains(a.leases, clientv3.LeaseID(now.Kvs[0].Lease)) {
			a.setOwned()
			return now.Header.Revision, nil
		}
	}
	a.mu.Lock()
	value, lease := a.value, a.lease
	a.mu.Unlock()
	r, err := a.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(a.key), "=", seen)).
		Then(clientv3.OpPut(a.key, value, clientv3.WithLease(lease))).Commit()
	switch {
	case err != nil:
		return 0, fmt.Errorf("writing: %w", err)
	case !r.Succeeded:
		return 0, errors.New("writing: another process has written the key at the same time")
	}
	a.setErr(nil)
	if !a.settled {
		a.settled = true
		close(a.ready)
	}
	return r.Header.Revision, nil
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
		case clientv3.LeaseID(e.Kv.Lease) != a.held():
			gone = false
			a.setOwned()
		default:
			gone = false
			a.setErr(nil)
		}
	}
	return gone
}

func (a *Announcement) setOwned() {
	a.setErr(ErrOwned)
	a.log.Warn("another process owns the etcd key, waiting until it ends", "key", a.key)
}

func (a *Announcement) setErr(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}
