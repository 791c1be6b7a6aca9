// Command backup saves the pinset of a cluster to a file, and restores it:
//
//	backup save ADDRESS[,ADDRESS…] FILE
//	backup restore ADDRESS[,ADDRESS…] FILE
//
// The file is what `ipfs-cluster-service state export` writes, a line of JSON for each pin.
// A restore pins what is missing or has other options, and deletes nothing. It can be
// interrupted and run again.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/strategy"
)

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 3 || args[0] != "save" && args[0] != "restore" {
		return errors.New("usage: backup save|restore ADDRESS[,ADDRESS…] FILE")
	}
	cfgs, err := config.ParseAddrs(args[1])
	if err != nil {
		return err
	}
	c, err := lbclient.NewFromConfigs(&strategy.LeastLoaded{}, cfgs, 3)
	if err != nil {
		return err
	}
	defer c.Close()
	if args[0] == "save" {
		return save(ctx, c, args[2], out)
	}
	return restore(ctx, c, args[2], out)
}

// save writes the backup to a temporary file first, so that an earlier backup is replaced
// only by a complete one.
func save(ctx context.Context, c client.Client, name string, out io.Writer) error {
	file, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name))
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails after the renaming
	n, err := pinset.Export(ctx, c, file)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), name); err != nil { //nolint:gosec // the user names the file
		return err
	}
	fmt.Fprintf(out, "saved %d pins\n", n)
	return nil
}

func restore(ctx context.Context, c client.Client, name string, out io.Writer) error {
	file, err := os.Open(name) //nolint:gosec // the user names the file
	if err != nil {
		return err
	}
	defer file.Close()
	pinned, failed := 0, 0
	for change, err := range pinset.Sync(ctx, c, pinset.Import(file, api.PinOptions{})) {
		if err != nil {
			failed++
			fmt.Fprintln(out, err)
			continue
		}
		pinned++
		fmt.Fprintln(out, change)
	}
	fmt.Fprintf(out, "restored %d pins\n", pinned)
	if failed > 0 {
		return fmt.Errorf("%d errors", failed)
	}
	return nil
}
