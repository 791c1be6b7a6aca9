package etcd_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/contrib/etcd"
)

// After an outage of a minute, gRPC waited for up to half a minute until it tried to
// connect again, and after longer ones for up to two minutes: longer than etcd keeps
// the lease of an announcement, so that peers were withdrawn after the outage.
func TestConnectsSoonAfterOutage(t *testing.T) {
	for name, use := range map[string]func(ctx context.Context, c *clientv3.Client) error{
		"Source": func(ctx context.Context, c *clientv3.Client) error {
			return (&etcd.Source{Client: c, Prefix: prefix}).Watch(ctx, func([]*config.Config) {})
		},
		"Announce": func(ctx context.Context, c *clientv3.Client) error {
			_, err := etcd.Announce(ctx, c, prefix, "a", endpoint(addrs[0]), nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var longest time.Duration
				last := time.Now()
				c, err := clientv3.New(clientv3.Config{
					Endpoints: []string{"127.0.0.1:2379"}, Logger: zap.NewNop(),
					DialOptions: []grpc.DialOption{grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
						mu.Lock()
						defer mu.Unlock()
						longest, last = max(longest, time.Since(last)), time.Now()
						return nil, errors.New("connection refused")
					})},
				})
				must(t, err)
				defer c.Close()
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
				defer cancel()
				if err := use(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				longest = max(longest, time.Since(last))
				t.Logf("the longest time between attempts to connect was %v", longest)
				if longest > 11*time.Second { // a call and a pause of up to five seconds each
					t.Errorf("no attempt to connect for %v", longest)
				}
			})
		})
	}
}
