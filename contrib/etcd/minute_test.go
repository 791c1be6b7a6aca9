package etcd_test

import (
	"sync"
	"testing"
)

// Nothing is different after a minute without etcd, or after a minute in which a
// thousand endpoints change. The minutes are real, because the time of etcd is.
func TestMinute(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a minute")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		atOnce(t, map[string]func(*testing.T){"without etcd": testWithoutEtcd, "of changes": testChanges})
	}()
	t.Parallel() // the others begin here, so that the minutes are not added to their time
	<-done
}

// atOnce runs tests at once. They mostly wait, so they need no more than the place
// among the parallel tests that t has.
func atOnce(t *testing.T, tests map[string]func(*testing.T)) {
	var all sync.WaitGroup
	for name, test := range tests {
		all.Go(func() { t.Run(name, test) })
	}
	all.Wait()
}
