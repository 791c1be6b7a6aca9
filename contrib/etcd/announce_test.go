package etcd_test

import (
	"context"
	"errors"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/pinfleet/pinfleet/contrib/etcd"
	"github.com/pinfleet/pinfleet/discovery"
	"github.com/pinfleet/pinfleet/test/sourcetest"
)

// short is the shortest lifetime of an announcement.
var short = &etcd.AnnounceOptions{TTL: 2 * time.Second}

func endpoint(addr string) discovery.Endpoint { return discovery.Endpoint{Addr: maddr(addr)} }

func announce(t *testing.T, c *clientv3.Client, name, addr string) *etcd.Announcement {
	t.Helper()
	a, err := etcd.Announce(within(t), c, prefix, name, endpoint(addr), short)
	must(t, err)
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// awaitErr waits until the announcement's error is want.
func awaitErr(t *testing.T, a *etcd.Announcement, want error) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !errors.Is(a.Err(), want); time.Sleep(20 * time.Millisecond) { // of a real etcd
		if time.Now().After(deadline) {
			t.Fatalf("the error is %v, want %v", a.Err(), want)
		}
	}
}

// An announcement is there until it is closed, with the endpoint that was set
// last.
func TestAnnounce(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	await := sourcetest.Await(t, &etcd.Source{Client: m.dial(t), Prefix: prefix})
	a := announce(t, m.dial(t), "a", addrs[0])
	await(addrs[0])
	b := announce(t, m.dial(t), "b", addrs[2])
	await(addrs[0], addrs[2])
	must(t, b.Set(endpoint(addrs[1])))
	await(addrs[0], addrs[1])
	if b.Set(discovery.Endpoint{Weight: -1}) == nil {
		t.Error("Set takes an endpoint that is not usable")
	}
	must(t, a.Close())
	must(t, a.Close())
	await(addrs[1])
}

// The announcement of a process that was cut off expires. It is there again once
// the process reaches etcd.
func TestAnnouncementExpires(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	await := sourcetest.Await(t, &etcd.Source{Client: m.direct(t), Prefix: prefix})
	stays := announce(t, m.direct(t), "a", addrs[0])
	lost := announce(t, m.dial(t), "b", addrs[1])
	await(addrs[0], addrs[1])
	m.cut(t)
	await(addrs[0])
	m.mend(t)
	await(addrs[0], addrs[1])
	awaitErr(t, lost, nil)
	must(t, stays.Close())
	await(addrs[1])
}

// A key that an operator deletes is put again.
func TestAnnouncementDeleted(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	await := sourcetest.Await(t, &etcd.Source{Client: m.direct(t), Prefix: prefix})
	announce(t, m.direct(t), "a", addrs[0])
	announce(t, m.direct(t), "b", addrs[1])
	await(addrs[0], addrs[1])
	deleted, err := m.direct(t).Delete(within(t), prefix+"/b")
	must(t, err)
	if deleted.Deleted != 1 {
		t.Fatalf("%d keys deleted", deleted.Deleted)
	}
	must(t, announce(t, m.direct(t), "c", addrs[2]).Err())
	await(addrs...)
}

// Of two processes with one name, the later one keeps the key. The earlier one
// says so, and has it again after the other's end.
func TestAnnouncementOwned(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	await := sourcetest.Await(t, &etcd.Source{Client: m.direct(t), Prefix: prefix})
	first := announce(t, m.direct(t), "a", addrs[0])
	await(addrs[0])
	second := announce(t, m.direct(t), "a", addrs[1])
	await(addrs[1])
	awaitErr(t, first, etcd.ErrOwned)
	must(t, first.Set(endpoint(addrs[2])))
	awaitErr(t, first, etcd.ErrOwned)
	must(t, second.Close())
	await(addrs[2])
	awaitErr(t, first, nil)
	must(t, first.Close())
	got, err := m.direct(t).Get(within(t), prefix, clientv3.WithPrefix())
	must(t, err)
	if len(got.Kvs) != 0 {
		t.Errorf("left: %v", got.Kvs)
	}
}

// An announcement goes on while all members are down, and after a new leader.
func TestAnnouncementOutlivesOutage(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	await := sourcetest.Await(t, &etcd.Source{Client: m.direct(t), Prefix: prefix})
	a := announce(t, m.direct(t), "a", addrs[0])
	await(addrs[0])
	m.stopAll()
	m.startAll(t)
	m.stop(m.leader(t))
	m.leader(t)
	must(t, a.Set(endpoint(addrs[1])))
	await(addrs[1])
	awaitErr(t, a, nil)
}

// While two of three members were down, the watch of the key ended, and the
// announcement revoked its lease to begin anew: after such an outage, the keys of
// all peers were deleted at the same moment and put again.
func TestAnnouncementStaysInOutage(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	a, err := etcd.Announce(within(t), m.direct(t), prefix, "a", endpoint(addrs[0]), &etcd.AnnounceOptions{TTL: 2 * time.Minute})
	must(t, err)
	defer a.Close()
	created := func() int64 {
		t.Helper()
		got, err := m.direct(t).Get(within(t), prefix+"/a")
		must(t, err)
		if len(got.Kvs) != 1 {
			t.Fatalf("the key is gone: %v", got.Kvs)
		}
		return got.Kvs[0].CreateRevision
	}
	before := created()
	lost := (m.leader(t) + 1) % 3
	m.stop(lost)
	m.stop((lost + 1) % 3)
	for deadline := time.Now().Add(time.Minute); a.Err() == nil; time.Sleep(20 * time.Millisecond) { // of a real etcd
		if time.Now().After(deadline) {
			t.Fatal("the outage is no error")
		}
	}
	m.startAll(t)
	awaitErr(t, a, nil)
	if after := created(); after != before {
		t.Errorf("the key was deleted and put again at revision %d", after)
	}
}

// Wrong arguments are named all at once; a context that ends before the first
// success ends Announce, and leaves nothing.
func TestAnnounceRefuses(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	c := m.direct(t)
	for name, announce := range map[string]func(ctx context.Context) (*etcd.Announcement, error){
		"no client": func(ctx context.Context) (*etcd.Announcement, error) {
			return etcd.Announce(ctx, nil, prefix, "a", endpoint(addrs[0]), nil)
		},
		"no prefix": func(ctx context.Context) (*etcd.Announcement, error) {
			return etcd.Announce(ctx, c, "", "a", endpoint(addrs[0]), nil)
		},
		"a slash": func(ctx context.Context) (*etcd.Announcement, error) {
			return etcd.Announce(ctx, c, prefix, "a/b", endpoint(addrs[0]), nil)
		},
		"no name": func(ctx context.Context) (*etcd.Announcement, error) {
			return etcd.Announce(ctx, c, prefix, "", endpoint(addrs[0]), nil)
		},
		"no endpoint": func(ctx context.Context) (*etcd.Announcement, error) {
			return etcd.Announce(ctx, c, prefix, "a", discovery.Endpoint{}, nil)
		},
		"half a second": func(ctx context.Context) (*etcd.Announcement, error) {
			return etcd.Announce(ctx, c, prefix, "a", endpoint(addrs[0]), &etcd.AnnounceOptions{TTL: 500 * time.Millisecond})
		},
		"an ended context": func(ctx context.Context) (*etcd.Announcement, error) {
			ctx, end := context.WithCancel(ctx)
			end()
			m.cut(t)
			defer m.mend(t)
			return etcd.Announce(ctx, m.dial(t), prefix, "a", endpoint(addrs[0]), nil)
		},
	} {
		if a, err := announce(within(t)); err == nil || a != nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// An announcement that is closed while etcd cannot be reached says that its key
// stays, and the key expires.
func TestCloseWhileCutOff(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	await := sourcetest.Await(t, &etcd.Source{Client: m.direct(t), Prefix: prefix})
	announce(t, m.direct(t), "a", addrs[0])
	lost := announce(t, m.dial(t), "b", addrs[1])
	await(addrs[0], addrs[1])
	m.cut(t)
	err := lost.Close()
	if err == nil || !errors.Is(lost.Close(), err) {
		t.Errorf("Close returned %v, then %v", err, lost.Close())
	}
	await(addrs[0])
}
