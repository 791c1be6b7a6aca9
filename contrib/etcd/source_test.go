package etcd_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/multiformats/go-multiaddr"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/pinfleet/pinfleet/contrib/etcd"
	"github.com/pinfleet/pinfleet/test/sourcetest"
)

const prefix = "/clusters/main/peers"

var addrs = []string{"/ip4/10.0.0.1/tcp/9094", "/ip4/10.0.0.2/tcp/9094", "/ip4/10.0.0.3/tcp/9094"}

// hold makes the prefix hold these addresses and no other.
func hold(t *testing.T, c *clientv3.Client, prefix string, want ...string) {
	t.Helper()
	for i, addr := range addrs {
		if slices.Contains(want, addr) {
			_, err := c.Put(within(t), prefix+"/"+strconv.Itoa(i), `{"addr":"`+addr+`"}`)
			must(t, err)
		}
	}
	for i, addr := range addrs {
		if !slices.Contains(want, addr) {
			_, err := c.Delete(within(t), prefix+"/"+strconv.Itoa(i))
			must(t, err)
		}
	}
}

// A Source keeps the contract of all sources, the outage of a network that drops
// packets included. The prefix holds things that are no announcements as well.
func TestContract(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	admin := m.direct(t)
	sourcetest.Run(t, func(t *testing.T, test func(*testing.T, sourcetest.Service)) {
		prefix := "/" + strings.ReplaceAll(t.Name(), "/", "-")
		for key, value := range map[string]string{
			prefix: "x", prefix + "/": "x", prefix + "/garbage": "{", prefix + "/no-address": `{"weight":1}`,
			prefix + "/0/below": `{"addr":"/ip4/10.0.0.9/tcp/1"}`, prefix + "2/a": `{"addr":"/ip4/10.0.0.8/tcp/1"}`,
		} {
			_, err := admin.Put(within(t), key, value)
			must(t, err)
		}
		test(t, sourcetest.Service{
			Source: &etcd.Source{Client: m.dial(t), Prefix: prefix},
			Addrs:  addrs,
			Set:    func(t *testing.T, want ...string) { hold(t, admin, prefix, want...) },
			Break:  m.cut, Mend: m.mend,
		})
	})
}

// A leader that dies interrupts nothing: each change is reported.
func TestLeaderKilled(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	admin := m.direct(t)
	await := sourcetest.Await(t, &etcd.Source{Client: m.dial(t), Prefix: prefix})
	hold(t, admin, prefix, addrs[0])
	await(addrs[0])
	for range 2 {
		i := m.leader(t)
		m.stop(i)
		m.leader(t)
		hold(t, admin, prefix, addrs[0], addrs[1])
		await(addrs[0], addrs[1])
		hold(t, admin, prefix, addrs[2])
		await(addrs[2])
		m.startAll(t)
	}
}

// A compaction while the source is cut off removes the revisions that its watch
// would go on from. The source reads the prefix again.
func TestCompaction(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	admin := m.direct(t)
	await := sourcetest.Await(t, &etcd.Source{Client: m.dial(t), Prefix: prefix})
	hold(t, admin, prefix, addrs[0], addrs[1])
	await(addrs[0], addrs[1])
	m.cut(t)
	for range 20 {
		hold(t, admin, prefix, addrs[0])
	}
	hold(t, admin, prefix, addrs[1], addrs[2])
	r, err := admin.Get(within(t), prefix)
	must(t, err)
	_, err = admin.Compact(within(t), r.Header.Revision, clientv3.WithCompactPhysical())
	must(t, err)
	m.mend(t)
	await(addrs[1], addrs[2])
	hold(t, admin, prefix, addrs...)
	await(addrs...)
}

// All members stop and come back with their data.
func TestAllMembersRestart(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	admin := m.direct(t)
	await := sourcetest.Await(t, &etcd.Source{Client: m.dial(t), Prefix: prefix})
	hold(t, admin, prefix, addrs[0], addrs[1])
	await(addrs[0], addrs[1])
	m.stopAll()
	m.startAll(t)
	m.leader(t)
	hold(t, admin, prefix, addrs...)
	await(addrs...)
}

// Of a thousand endpoints one changes at a time. Each change is reported, whole.
func TestManyEndpoints(t *testing.T) {
	t.Parallel()
	const n, changes = 1000, 30
	m := startMembers(t)
	admin := m.direct(t)
	want := make([]string, n)
	put := func(i, port int) clientv3.Op {
		want[i] = fmt.Sprintf("/ip4/10.0.%d.%d/tcp/%d", i/250, i%250, port)
		return clientv3.OpPut(fmt.Sprintf("%s/%03d", prefix, i), `{"addr":"`+want[i]+`"}`)
	}
	var puts []clientv3.Op
	for i := range n {
		puts = append(puts, put(i, 9094))
	}
	_, err := admin.Txn(within(t)).Then(puts...).Commit()
	must(t, err)
	await := sourcetest.Await(t, &etcd.Source{Client: m.dial(t), Prefix: prefix})
	await(want...)
	for i := range changes {
		_, err := admin.Do(within(t), put(i*7%n, 9095+i))
		must(t, err)
		await(want...)
	}
}

// A client may limit the size of a message to what any answer that it asks for
// fits into. Source asked for all keys at once, and could then read nothing; values
// that are no announcements are of any size and did the same.
func TestSmallMessages(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	admin := m.direct(t)
	small := m.dialLimited(t, 256<<10)
	var want []string
	filler := strings.Repeat("x", 300) // unknown members are ignored
	put := func(i int) clientv3.Op {
		addr := fmt.Sprintf("/ip4/10.0.%d.%d/tcp/9094", i/250, i%250)
		want = append(want, addr)
		return clientv3.OpPut(fmt.Sprintf("%s/%04d", prefix, i), `{"addr":"`+addr+`","note":"`+filler+`"}`)
	}
	var puts []clientv3.Op
	for i := range 950 {
		puts = append(puts, put(i))
	}
	_, err := admin.Txn(within(t)).Then(puts...).Commit()
	must(t, err)
	await := sourcetest.Await(t, &etcd.Source{Client: small, Prefix: prefix})
	await(want...)
	_, err = admin.Do(within(t), put(950))
	must(t, err)
	await(want...)
}

// What can never work is refused at once.
func TestSourceRefuses(t *testing.T) {
	t.Parallel()
	m := startMembers(t)
	closed := m.direct(t)
	must(t, closed.Close())
	for name, src := range map[string]*etcd.Source{
		"no client": {Prefix: prefix}, "no prefix": {Client: m.direct(t)}, "a slash": {Client: m.direct(t), Prefix: "/"},
		"a closed client": {Client: closed, Prefix: prefix},
	} {
		if err := src.Watch(within(t), nil); err == nil || context.Cause(within(t)) != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func maddr(text string) multiaddr.Multiaddr { return multiaddr.StringCast(text) }
