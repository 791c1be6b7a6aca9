package etcd_test

import (
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	churned = 1000        // endpoints that are announced
	spares  = 2 * churned // addresses, half of which are in use
	// The changes are one a second for a minute: sixty, or fewer on a machine that is
	// too busy for that, but not fewer than minChanges.
	duration   = time.Minute
	minChanges = 10
)

// churns are the ways in which a thousand endpoints change once a second. Each
// returns the index of the address by the name of the announcement, after a number
// of changes.
var churns = map[string]func(change int) map[string]int{
	// One endpoint gets an address that was not in use.
	"one": func(change int) map[string]int {
		all := make(map[string]int)
		for i := range churned {
			all[fmt.Sprintf("%04d", i)] = i
		}
		for i := range change {
			all[fmt.Sprintf("%04d", i*7%churned)] = churned + i
		}
		return all
	},
	// A hundred endpoints leave, and a hundred others come.
	"a tenth": func(change int) map[string]int {
		all := make(map[string]int)
		for i := change * churned / 10; len(all) < churned; i++ {
			all[fmt.Sprintf("%04d", i)] = i % spares
		}
		return all
	},
	// All endpoints get addresses that were not in use, in another order each time.
	"all": func(change int) map[string]int {
		all := make(map[string]int)
		for i := range churned {
			all[fmt.Sprintf("%04d", i)] = change%2*churned + (i+7*change)%churned
		}
		return all
	},
}

// A thousand endpoints change once a second for a minute. Each change is followed,
// and no call fails. At the end, the process with the load balancer has as many
// goroutines and descriptors, and as much memory, as after the first change.
func testChanges(t *testing.T) {
	m := startMembers(t)
	addrs := startServers(t, spares)
	tests := make(map[string]func(*testing.T))
	for name, churn := range churns {
		tests[name] = func(t *testing.T) {
			prefix := "/" + strings.ReplaceAll(name, " ", "-")
			followChanges(t, m, &announcer{client: m.direct(t), prefix: prefix, addrs: addrs}, churn)
		}
	}
	atOnce(t, tests)
}

func followChanges(t *testing.T, m *members, a *announcer, churn func(change int) map[string]int) {
	a.announce(t, churn(0))
	f := startFollower(t, m, a.prefix)
	seconds := time.NewTicker(time.Second)
	defer seconds.Stop()
	var first report
	change := 0
	for begin := time.Now(); time.Since(begin) < duration || change < minChanges; {
		change++
		a.announce(t, churn(change))
		f.await(t, a.announced())
		if change == 1 {
			first = f.settled(t)
		}
		<-seconds.C
	}
	last := f.awaitStock(t, first)
	t.Logf("after change 1: %v", first)
	t.Logf("after change %d: %v", change, last)
	if last.Failed > 0 {
		t.Errorf("%d of %d calls failed, the first with: %s", last.Failed, last.Calls, last.Error)
	}
	f.end(t)
}

// startServers returns the addresses of n servers that answer the same request for
// a peer's version.
func startServers(t *testing.T, n int) []string {
	t.Helper()
	s := &http.Server{
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"version":"1.1.6"}`) }),
		ErrorLog: log.New(io.Discard, "", 0),
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		_ = s.Close()
		serving.Wait()
	})
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		serving.Go(func() { _ = s.Serve(l) })
		addrs = append(addrs, fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", l.Addr().(*net.TCPAddr).Port))
	}
	return addrs
}

// announcer writes announcements.
type announcer struct {
	client *clientv3.Client
	prefix string
	addrs  []string

	now map[string]int
}

// announce makes next be what is announced, in one transaction.
func (a *announcer) announce(t *testing.T, next map[string]int) {
	t.Helper()
	var changes []clientv3.Op
	for name, i := range next {
		if old, known := a.now[name]; !known || old != i {
			changes = append(changes, clientv3.OpPut(a.prefix+"/"+name, `{"addr":"`+a.addrs[i]+`"}`))
		}
	}
	for name := range a.now {
		if _, stays := next[name]; !stays {
			changes = append(changes, clientv3.OpDelete(a.prefix+"/"+name))
		}
	}
	_, err := a.client.Txn(within(t)).Then(changes...).Commit()
	must(t, err)
	a.now = next
}

// announced returns the addresses in the order of the names.
func (a *announcer) announced() []string {
	var addrs []string
	for _, name := range slices.Sorted(maps.Keys(a.now)) {
		addrs = append(addrs, a.addrs[a.now[name]])
	}
	return addrs
}
