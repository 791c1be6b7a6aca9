// Command quickstart adds files to a cluster through the load-balancing client
// and shows that an add survives the loss of a peer.
//
//	go run ./examples/quickstart [-cluster ADDR,ADDR…] [-strategy failover|roundrobin] [PATH…]
//
// Without -cluster it starts a cluster of three peers in this process, and stops
// the first of them in the middle of the second add. Credentials and TLS settings
// for -cluster come from the environment: PINFLEET_BASIC_AUTH=user:password,
// PINFLEET_TOKEN, PINFLEET_CA_FILE and the others that config.FromEnv names.
// Without a PATH it adds a small site that is shipped with it. Its last line is
// the root of the first add.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"

	_ "github.com/pinfleet/pinfleet/transport/p2p" // for /p2p/ and /dnsaddr/ addresses
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "quickstart:", err)
		}
		stop()
		os.Exit(1)
	}
}

// settings is what the command line says.
type settings struct {
	cluster  string
	strategy strategy.LBStrategy
	paths    []string
}

func parse(args []string) (*settings, error) {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	cluster := flags.String("cluster", "", "comma-separated `addresses` of the peers to use, instead of a cluster in this process")
	name := flags.String("strategy", "failover", "failover or roundrobin")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: quickstart [-cluster ADDR,ADDR…] [-strategy failover|roundrobin] [PATH…]")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return nil, flag.ErrHelp // already printed
	}
	s := &settings{cluster: *cluster, paths: flags.Args()}
	switch *name {
	case "failover":
		s.strategy = &strategy.Failover{}
	case "roundrobin":
		s.strategy = &strategy.RoundRobin{}
	default:
		return nil, fmt.Errorf("unknown strategy %q: use failover or roundrobin", *name)
	}
	return s, nil
}

func run(ctx context.Context, args []string, w io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	paths, remove, err := pathsToAdd(s.paths)
	if err != nil {
		return err
	}
	defer remove()

	var cfgs []*config.Config
	stopFirst := func() {}
	if s.cluster != "" {
		cfgs, err = clusterConfigs(s.cluster)
	} else {
		var c *clustertest.Cluster
		if c, err = clustertest.Start(clustertest.Options{Peers: 3}); err == nil {
			defer c.Close()
			for _, p := range c.Peers() {
				cfgs = append(cfgs, &config.Config{APIAddr: p.Addr()})
			}
			stopFirst = func() {
				fmt.Fprintf(w, "--- stopping the first peer, %s\n", c.Peer(0).Addr())
				c.Peer(0).Stop()
			}
		}
	}
	if err != nil {
		return err
	}

	var c client.Client
	c, err = lbclient.NewLBClient(s.strategy, cfgs, 3)
	if err != nil {
		return err
	}
	defer c.Close()
	d := &demo{client: c, w: w}
	if err := d.greet(ctx, cfgs); err != nil {
		return err
	}
	root, err := d.add(ctx, "adding "+strings.Join(s.labels(), ", "), paths, nil)
	if err != nil {
		return err
	}
	large, err := largeFile()
	if err != nil {
		return err
	}
	defer os.Remove(large)
	second, err := d.add(ctx, "adding a large file", []string{large}, stopFirst)
	if err != nil {
		return err
	}
	if err := d.status(ctx, root, second); err != nil {
		return err
	}
	fmt.Fprintf(w, "root %s\n", root)
	return nil
}

// labels are what the user calls the paths.
func (s *settings) labels() []string {
	if len(s.paths) == 0 {
		return []string{"the site shipped with this example"}
	}
	return s.paths
}

// clusterConfigs returns the endpoints that -cluster names, with the other
// settings from the environment.
func clusterConfigs(addrs string) ([]*config.Config, error) {
	cfgs, err := config.FromEnv(func(name string) (string, bool) {
		if name == "PINFLEET_API" {
			return addrs, true
		}
		return os.LookupEnv(name)
	})
	if err != nil {
		return nil, fmt.Errorf("-cluster or its environment: %w", err)
	}
	return cfgs, nil
}
