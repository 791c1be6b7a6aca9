package readme

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// The code of docs/pinset.md.

func Example_pinList() {
	c, stop := oneClient()
	defer stop()
	pinList(context.Background(), c, strings.NewReader("bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq,hello\n"))
	// Output:
	// bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq hello
}

func pinList(ctx context.Context, c client.Client, file io.Reader) {
	for pin, err := range pinset.Pin(ctx, c, pinset.Import(file, api.PinOptions{ReplicationFactorMin: 2, ReplicationFactorMax: 3})) {
		if err != nil {
			log.Print(err) // this line or this item; the others go on
			continue
		}
		fmt.Println(pin.Cid, pin.Name)
	}
}

func Example_backup() {
	ctx := context.Background()
	cluster, err := clustertest.Start(clustertest.Options{Peers: 1})
	if err != nil {
		panic(err)
	}
	defer cluster.Close()
	c, err := client.NewDefaultClient(&config.Config{APIAddr: cluster.Peer(0).Addr()})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	ci := cluster.Seed(1)[0]
	var file bytes.Buffer
	if err := backup(ctx, c, &file); err != nil {
		fmt.Println(err)
	}
	other, stop := oneClient()
	defer stop()
	if err := differences(ctx, other, c); err != nil {
		fmt.Println(err)
	}
	restore(ctx, other, &file)
	if err := differences(ctx, other, c); err != nil {
		fmt.Println(err)
	}

	cluster.SetStatus(ci, 0, api.TrackerStatusPinError, "context deadline exceeded")
	if err := audit(ctx, c); err != nil {
		fmt.Println(err)
	}
	repair(ctx, c)
	// Output:
	// missing bafkreieo7vqwricv2hsfqy6cg7vt72vsx2kpcc34zxc37c5vimc4rmm7p4 seed-0
	// missing bafkreieo7vqwricv2hsfqy6cg7vt72vsx2kpcc34zxc37c5vimc4rmm7p4 "seed-0"
	// bafkreieo7vqwricv2hsfqy6cg7vt72vsx2kpcc34zxc37c5vimc4rmm7p4 (seed-0): below minimum, errors; 0 of at least 1 peers hold it; peer0: pin_error (context deadline exceeded)
	// bafkreieo7vqwricv2hsfqy6cg7vt72vsx2kpcc34zxc37c5vimc4rmm7p4 pinned
}

func backup(ctx context.Context, c client.Client, file io.Writer) error {
	if _, err := pinset.Export(ctx, c, file); err != nil {
		return err // the file is not complete
	}
	return nil
}

func restore(ctx context.Context, c client.Client, file io.Reader) {
	for change, err := range pinset.Sync(ctx, c, pinset.Import(file, api.PinOptions{})) {
		if err != nil {
			log.Print(err)
			continue
		}
		fmt.Println(change) // missing or different
	}
}

func differences(ctx context.Context, c, other client.Client) error {
	for change, err := range pinset.Diff(ctx, c, other.Allocations(ctx, api.AllType)) {
		if err != nil {
			return err
		}
		fmt.Println(change.Kind, change.Pin.Cid, change.Pin.Name) // missing, different or extra
	}
	return nil
}

func audit(ctx context.Context, c client.Client) error {
	for f, err := range pinset.Audit(ctx, c) {
		if err != nil {
			return err
		}
		fmt.Println(f) // the CID, the reasons, and the errors by peer
	}
	return nil
}

func repair(ctx context.Context, c client.Client) {
	for info, err := range pinset.Repair(ctx, c, pinset.Audit(ctx, c)) {
		if err != nil {
			log.Print(err) // this item is not repaired
			continue
		}
		fmt.Println(info.Cid, info.ClusterStatus())
	}
}
