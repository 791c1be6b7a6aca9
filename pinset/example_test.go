package pinset_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"slices"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// start starts a cluster of three peers and returns a load balancer of them.
func start() (*clustertest.Cluster, client.Client) {
	cluster, err := clustertest.Start(clustertest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	c, err := balance(cluster)
	if err != nil {
		log.Fatal(err)
	}
	return cluster, c
}

const list = `# what the archive holds
cid,name
QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ,reports
QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N,"photos, 2026"
Qm-is-not-a-CID,mistake
`

// A list of CIDs is pinned. A line that is wrong does not keep the others from it.
func ExamplePin() {
	ctx := context.Background()
	cluster, c := start()
	defer cluster.Close()
	defer c.Close()

	var names []string
	for pin, err := range pinset.Pin(ctx, c, pinset.Import(strings.NewReader(list), api.PinOptions{ReplicationFactorMin: 2, ReplicationFactorMax: 3})) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		names = append(names, pin.Name) // in the order of completion
	}
	slices.Sort(names)
	fmt.Println(names)
	// Output:
	// line 5: it has no CID: invalid cid: selected encoding not supported: "Qm-is-not-a-CID,mistake"
	// [photos, 2026 reports]
}

// The pinset becomes that of the list. What is right already costs nothing.
func ExampleSync() {
	ctx := context.Background()
	cluster, c := start()
	defer cluster.Close()
	defer c.Close()
	cluster.Seed(1)

	lines := strings.Split(list, "\n")[:4]
	for range 2 {
		want := pinset.Import(strings.NewReader(strings.Join(lines, "\n")), api.PinOptions{})
		changes := map[pinset.ChangeKind]int{}
		for change, err := range pinset.Sync(ctx, c, want, pinset.WithDelete(), pinset.WithMaxDelete(1)) {
			if err != nil {
				log.Fatal(err)
			}
			changes[change.Kind]++
		}
		fmt.Println(changes)
	}
	// Output:
	// map[missing:2 extra:1]
	// map[]
}

// Diff shows what a Sync would do.
func ExampleDiff() {
	ctx := context.Background()
	cluster, c := start()
	defer cluster.Close()
	defer c.Close()
	cids := cluster.Seed(2)

	want := pinset.Cids(slices.Values(cids[:1]), api.PinOptions{Name: "first"})
	for change, err := range pinset.Diff(ctx, c, want) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(change.Kind, change.Pin.Name)
	}
	// Output:
	// different first
	// extra seed-1
}

// A list of CIDs becomes a source of pins with the same options.
func ExampleCids() {
	ctx := context.Background()
	cluster, c := start()
	defer cluster.Close()
	defer c.Close()

	cids := []cid.Cid{testCid(1).Cid, testCid(2).Cid}
	for pin, err := range pinset.Pin(ctx, c, pinset.Cids(slices.Values(cids), api.PinOptions{Name: "test"})) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(pin.Name)
	}
	// Output:
	// test
	// test
}

// A backup is a line of JSON for each pin.
func ExampleExport() {
	ctx := context.Background()
	cluster, c := start()
	defer cluster.Close()
	defer c.Close()
	cluster.Seed(3)

	var backup bytes.Buffer
	n, err := pinset.Export(ctx, c, &backup)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(n, strings.Count(backup.String(), `"name":"seed-`))
	// Output:
	// 3 3
}

// What Audit finds is repaired.
func ExampleRepair() {
	ctx := context.Background()
	cluster, c := start()
	defer cluster.Close()
	defer c.Close()
	ci := cluster.Seed(100)[42]
	cluster.SetStatus(ci, 1, api.TrackerStatusPinError, "context deadline exceeded")

	for f, err := range pinset.Audit(ctx, c) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(f.Info.Name, f.Reasons, f.Pinned, f.Need)
	}
	for info, err := range pinset.Repair(ctx, c, pinset.Audit(ctx, c)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(info.Name, info.ClusterStatus())
	}
	// Output:
	// seed-42 below minimum, errors 2 3
	// seed-42 pinned
}

// A summary for people.
func ExampleSummarize() {
	ctx := context.Background()
	cluster, c := start()
	defer cluster.Close()
	defer c.Close()
	cluster.Seed(100)

	s, err := pinset.Summarize(ctx, c)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(s.Items, s.Statuses[api.ClusterStatusPinned], len(s.Peers))
	// Output:
	// 100 100 3
}
