// Command private prints the peers of a cluster that is reached over libp2p or, if that
// fails, over HTTPS with a certificate authority of its own, with a bearer token:
//
//	CLUSTER_TOKEN=… private /ip4/10.0.0.1/tcp/9096/p2p/12D3KooW… /ip4/10.0.0.1/tcp/9094/https ca.pem
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"

	_ "github.com/pinfleet/pinfleet/transport/p2p" // for /p2p/ and /dnsaddr/ addresses
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: private LIBP2P-ADDRESSES HTTPS-ADDRESSES CA-FILE")
	}
	c, err := open(os.Args[1], os.Args[2], os.Args[3], os.Getenv("CLUSTER_TOKEN"), slog.Default())
	if err != nil {
		log.Fatal(err)
	}
	peers, err := c.Peers(context.Background())
	if err := errors.Join(err, c.Close()); err != nil {
		log.Fatal(err)
	}
	for _, p := range peers {
		fmt.Println(p.Peername)
	}
}

func open(libp2p, https, caFile, token string, logger *slog.Logger) (*lbclient.Client, error) {
	first, err1 := config.ParseAddrs(libp2p, &config.Config{Token: token, Logger: logger})
	second, err2 := config.ParseAddrs(https, &config.Config{Token: token, Logger: logger, TLS: config.TLS{CAFile: caFile}})
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return lbclient.NewFromConfigs(&strategy.Failover{}, append(first, second...), 3,
		lbclient.WithLogger(logger), lbclient.WithHooks(retryLog{logger}))
}

// retryLog is a hook that logs each retry.
type retryLog struct{ *slog.Logger }

func (l retryLog) CallRetried(ctx context.Context, e lbclient.AttemptEvent) {
	l.WarnContext(ctx, "a call is retried", "op", e.Op, "endpoint", e.Endpoint, "error", e.Err)
}

func (l retryLog) BudgetExhausted(ctx context.Context, e lbclient.AttemptEvent) {
	l.ErrorContext(ctx, "a call is not retried: there are too many retries", "op", e.Op, "endpoint", e.Endpoint, "error", e.Err)
}
