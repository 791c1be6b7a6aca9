// Command audit prints what is wrong with the pins of a cluster, and repairs it. Its exit
// status is 1 if something could not be repaired.
package main

import (
	"context"
	"errors"
	"iter"
	"log"
	"os"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/strategy"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: audit ADDRESS[,ADDRESS…]")
	}
	left, err := audit(context.Background(), os.Args[1], log.New(os.Stdout, "", 0))
	if err != nil {
		log.Fatal(err)
	}
	if left > 0 {
		os.Exit(1)
	}
}

// audit returns the number of pins that could not be repaired.
func audit(ctx context.Context, addrs string, out *log.Logger) (left int, err error) {
	cfgs, err := config.ParseAddrs(addrs)
	if err != nil {
		return 0, err
	}
	c, err := lbclient.NewFromConfigs(&strategy.RoundRobin{}, cfgs, 3)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	for info, err := range pinset.Repair(ctx, c, printed(pinset.Audit(ctx, c), out)) {
		var failed *pinset.ItemError
		switch {
		case errors.As(err, &failed):
			left++
			out.Print(err)
		case err != nil:
			return left, err
		default:
			out.Printf("%s is %s", info.Cid, info.ClusterStatus())
		}
	}
	return left, nil
}

// printed prints the findings that pass.
func printed(findings iter.Seq2[*pinset.Finding, error], out *log.Logger) iter.Seq2[*pinset.Finding, error] {
	return func(yield func(*pinset.Finding, error) bool) {
		for f, err := range findings {
			if err == nil {
				out.Print(f)
			}
			if !yield(f, err) {
				return
			}
		}
	}
}
