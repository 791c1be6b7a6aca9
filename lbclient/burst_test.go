package lbclient_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// C1: retries that cost no peer anything were paid from the retry budget. When all calls
// were made at once on a fresh client, up to 654 of 1,000 failed with 1 dead and 5 live
// peers, all of 200 with 5 dead and 5 live ones, and 300 of 500 with a peer that hangs.
func TestBurstOnFreshClient(t *testing.T) {
	for _, test := range []struct{ dead, hung, live, retries, calls int }{
		{dead: 1, live: 5, retries: 3, calls: 1000},
		{dead: 5, live: 5, retries: 6, calls: 200},
		{hung: 1, live: 5, retries: 3, calls: 500},
	} {
		bad := test.dead + test.hung
		cluster := clustertest.New(t, clustertest.Options{Peers: bad + test.live})
		var cfgs []*config.Config
		for i, p := range cluster.Peers() {
			cfgs = append(cfgs, &config.Config{APIAddr: p.Addr(), HeaderTimeout: 2 * time.Second})
			switch {
			case i < test.dead:
				p.Stop()
			case i < bad:
				p.Inject(clustertest.Fault{Effect: clustertest.Hang()})
				cfgs[i].DialTimeout = time.Minute // not what the test is about
			default:
				cfgs[i].HeaderTimeout = 0
				cfgs[i].DialTimeout = time.Minute
			}
		}
		for _, s := range []strategy.LBStrategy{&strategy.Failover{}, &strategy.RoundRobin{}, &strategy.LeastLoaded{}, &strategy.Sticky{}, &strategy.Weighted{}} {
			t.Run(fmt.Sprintf("%d dead, %d hung, %d live, %T", test.dead, test.hung, test.live, s), func(t *testing.T) {
				c, err := lbclient.NewFromConfigs(s, cfgs, test.retries)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				var mu sync.Mutex
				var errs []error
				var wg sync.WaitGroup
				for range test.calls {
					wg.Go(func() {
						if _, err := c.Version(t.Context()); err != nil {
							mu.Lock()
							defer mu.Unlock()
							errs = append(errs, err)
						}
					})
				}
				wg.Wait()
				if len(errs) > 0 {
					t.Errorf("%d of %d calls failed, one of them with %v", len(errs), test.calls, errs[0])
				}
			})
		}
	}
}
