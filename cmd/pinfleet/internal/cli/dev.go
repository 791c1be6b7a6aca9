package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

func (a *app) devCommand() *cobra.Command {
	opts := clustertest.Options{Listen: clustertest.HTTP}
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Serve a cluster in this process, to try things with",
		Long: `Dev serves an IPFS Cluster of three peers in this process on 127.0.0.1, ports 9094,
9194 and 9294. No IPFS daemon is needed: the blocks of what is added are kept in
memory. Ctrl-C ends it, and then everything is lost. The peers are printed, one
address per line, and then "ready".`,
		Example: `  pinfleet dev                         # in one terminal
  pinfleet add README.md && pinfleet ls   # in another
  pinfleet dev --peers 5 --port 19094`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := a.within(cmd.Context())
			defer cancel()
			return a.serve(ctx, opts)
		},
	}
	cmd.Flags().IntVar(&opts.Peers, "peers", 3, "`number` of peers, 1 to 64")
	cmd.Flags().IntVar(&opts.BasePort, "port", 9094, "`port` of the first peer; each next one is 100 higher")
	return cmd
}

// serve serves a cluster until ctx ends.
func (a *app) serve(ctx context.Context, opts clustertest.Options) error {
	if opts.Peers < 1 || opts.BasePort < 1 {
		return exitcode.Usage("--peers and --port must be at least 1")
	}
	cluster, err := clustertest.Start(opts)
	if err != nil {
		return fmt.Errorf("%w: choose another --port", err)
	}
	defer cluster.Close()
	var addresses []string
	for _, p := range cluster.Peers() {
		addresses = append(addresses, p.Addr().String())
	}
	out := a.printer()
	for _, address := range addresses {
		if err := out.Text(address + "\n"); err != nil {
			return err
		}
	}
	if err := out.Text("ready\n"); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if out.Live {
		_ = out.Line("\nIn another terminal:\n  export PINFLEET_API=%s\n  pinfleet peers ls\n\nCtrl-C ends the cluster.", strings.Join(addresses, ","))
	}
	<-ctx.Done()
	return nil
}
