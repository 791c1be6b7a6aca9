// Command sync makes the pinset of one cluster that of another one:
//
//	sync [-write] [-delete] FROM[,FROM…] TO[,TO…]
//
// It prints the differences. With -write it removes them, except for pins that only the
// second cluster has: those need -delete as well, and must not be more than 5 % of its pins.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/strategy"
)

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("sync", flag.ContinueOnError)
	write := flags.Bool("write", false, "remove the differences instead of only printing them")
	remove := flags.Bool("delete", false, "with -write, also unpin what only the second cluster has")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return errors.New("usage: sync [-write] [-delete] FROM[,FROM…] TO[,TO…]")
	}
	from, err := connect(flags.Arg(0))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := connect(flags.Arg(1))
	if err != nil {
		return err
	}
	defer to.Close()

	want := from.Allocations(ctx, api.AllType)
	changes := pinset.Diff(ctx, to, want)
	if *write {
		var opts []pinset.Option
		if *remove {
			opts = append(opts, pinset.WithDelete())
		}
		changes = pinset.Sync(ctx, to, want, opts...)
	}
	failed := 0
	for change, err := range changes {
		if err != nil {
			failed++
			fmt.Fprintln(out, err)
			continue
		}
		fmt.Fprintln(out, change)
	}
	if failed > 0 {
		return fmt.Errorf("%d errors", failed)
	}
	return nil
}

// connect returns a client of the peers with the addresses.
func connect(addrs string) (*lbclient.Client, error) {
	cfgs, err := config.ParseAddrs(addrs)
	if err != nil {
		return nil, err
	}
	return lbclient.NewFromConfigs(&strategy.LeastLoaded{}, cfgs, 3)
}
