// Command quickstart adds files to a cluster through the load-balancing client
// and shows that an add survives the loss of a peer.
//
//	go run ./examples/quickstart [-cluster ADDR,ADDR… [-keep]] [-strategy NAME] [PATH…]
//
// Without -cluster, it starts a cluster of three peers in this process and
// stops the first peer in the middle of the second add. Credentials and TLS
// settings for -cluster come from the environment:
// PINFLEET_BASIC_AUTH=user:password, PINFLEET_TOKEN, PINFLEET_CA_FILE and the
// other variables of config.FromEnv. Without a PATH, it adds a small embedded
// site. The second add is a file of 48 MiB. With -cluster, this file is
// unpinned at the end, unless -keep is set. The last line of the output is the
// root of the first add.
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

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/test/clustertest"

	_ "github.com/pinfleet/pinfleet/transport/p2p" // for /p2p/ and /dnsaddr/ addresses
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "quickstart:", err)
		}
		stop()
		os.Exit(1)
	}
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

	cfgs, stopFirst := s.cfgs, func() {}
	if cfgs == nil {
		c, err := clustertest.Start(clustertest.Options{Peers: 3})
		if err != nil {
			return err
		}
		defer c.Close()
		for _, p := range c.Peers() {
			cfgs = append(cfgs, &config.Config{APIAddr: p.Addr()})
		}
		stopFirst = func() {
			fmt.Fprintf(w, "--- stopping the first peer, %s\n", c.Peer(0).Addr())
			c.Peer(0).Stop()
		}
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
	root, err := d.add(ctx, "adding "+strings.Join(s.labels(), ", "), paths, api.DefaultAddParams(), nil)
	if err != nil {
		return err
	}
	if err := d.large(ctx, root, stopFirst, s.unpins()); err != nil {
		return err
	}
	fmt.Fprintf(w, "root %s\n", root)
	return nil
}
