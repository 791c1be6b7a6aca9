package field

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// tree is the upload that is damaged: five files in one directory.
var tree = shape{name: "tree", files: []file{
	{"tree/a", 300_000}, {"tree/b", 1000}, {"tree/c", 300_000}, {"tree/d", 40_000}, {"tree/e", 1000},
}}

// inA and inC are offsets in the body of an upload of tree, in the contents of
// the files a and c.
const inA, inC = 100_000, 450_000

// TestDamage: a client believed what a server reported, so that an upload that was
// damaged on its way, or a report that was not that of the upload, ended with a
// nil error (B1). Each kind of damage is done to every add at the first peer. The
// client of that peer must fail, and a load balancer must succeed at the other
// peer.
func TestDamage(t *testing.T) {
	up := prepare(t, []shape{tree})[0]
	for _, tc := range []struct {
		name   string
		effect clustertest.Effect
	}{
		{"byte flipped", clustertest.FlipByte(inA)},
		{"4 KiB dropped", clustertest.DropBytes(inC, 4<<10)},
		{"256 KiB dropped", clustertest.DropBytes(inA, 256<<10)},
		{"files swapped", clustertest.SwapFiles(0, 2)},
		{"small files swapped", clustertest.SwapFiles(1, 4)},
		{"file missing", clustertest.OmitFile(2)},
		{"last file missing", clustertest.OmitFile(4)},
		{"file doubled", clustertest.DoubleFile(1)},
		{"report of a file missing", clustertest.OmitItem(1)},
		{"report of the root missing", clustertest.OmitItem(5)},
		{"report of a file doubled", clustertest.DoubleItem(3)},
		{"report of the root doubled", clustertest.DoubleItem(5)},
		{"report cut off", clustertest.CutMidItem(0)},
		{"report cut off, regular end", clustertest.Truncate(600)},
		{"answer lost", clustertest.CutAfter()},
	} {
		t.Run(tc.name, func(t *testing.T) { checkDamaged(t, up, tc.effect, false, true) })
	}
}

// TestDirectoryNotReported: if the report of a directory was missing, the output of
// the one that contains it was delivered, and a load balancer could not go on at the
// good peer, which reports in another order.
func TestDirectoryNotReported(t *testing.T) {
	up := prepare(t, []shape{{name: "nested", files: []file{{"tree/a/b/c", 1000}, {"tree/d", 1000}}}})[0]
	for i := range 5 { // tree/a/b/c, tree/d, tree/a/b, tree/a, tree
		t.Run(fmt.Sprint(i), func(t *testing.T) { checkDamaged(t, up, clustertest.OmitItem(i)) })
	}
}

// TestCutAnywhere cuts the body of an add at 200 places, by the end of the
// connection and by a regular end of the body.
func TestCutAnywhere(t *testing.T) {
	up := prepare(t, []shape{{name: "small tree", files: []file{
		{"tree/a", 30_000}, {"tree/b", 1000}, {"tree/c/d", 30_000}, {"tree/c/e", 0}, {"tree/f", 1000},
	}}})[0]
	places := int64(200)
	if testing.Short() {
		places = 20
	}
	size := bodySize(t, up)
	for i := range places {
		n := i * size / places
		t.Run(fmt.Sprintf("cut after %d of %d bytes", n, size), func(t *testing.T) {
			buffered := i%2 == 1
			checkDamaged(t, up, clustertest.CutUpload(n), buffered)
			checkDamaged(t, up, clustertest.TruncateUpload(n), buffered)
		})
	}
}

// bodySize returns the size of the body of an add.
func bodySize(t *testing.T, up *upload) int64 {
	t.Helper()
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	if _, err := add(t, openers()[0].open(t, direct(cluster)), methods()[0], up); err != nil {
		t.Fatal(err)
	}
	return cluster.Peer(0).Requests()[0].BodyBytes
}

// TestB2AnswerBeforeTheEnd: a server that read 100 KiB of 8 MiB and then sent 200,
// one output and an empty trailer counted as success (B2), whatever it did with
// the connection after that. The output is that of the first of two files.
func TestB2AnswerBeforeTheEnd(t *testing.T) {
	up := prepare(t, []shape{{name: "1kB-and-8MiB", files: []file{{"a", 1000}, {"b", 8 << 20}}}})[0]
	report := reportOf(t, up)[0]
	for name, then := range map[string]clustertest.Then{
		"close": clustertest.ThenClose, "drain": clustertest.ThenDrain, "keep open": clustertest.ThenKeepOpen,
	} {
		t.Run(name, func(t *testing.T) {
			checkDamaged(t, up, clustertest.AnswerEarly(100<<10, report+"\n", then), false, true)
		})
	}
}

// checkDamaged makes adds in the given modes, buffered or not, at a peer that
// applies effect to all adds, and over a load balancer that turns to that peer
// first.
func checkDamaged(t *testing.T, up *upload, effect clustertest.Effect, modes ...bool) {
	t.Helper()
	cluster := clustertest.New(t, clustertest.Options{Peers: 2})
	cluster.Peer(0).Inject(clustertest.Fault{Route: "POST /add", Effect: effect})
	for _, buffered := range modes {
		cfgs := direct(cluster)
		for _, cfg := range cfgs {
			cfg.BufferedAdds = buffered
		}
		for _, m := range methods() {
			checkFails(t, m, up, cfgs)
			c := openFailover(t, cfgs)
			outputs, err := add(t, c, m, up)
			if err != nil {
				t.Errorf("%s over a load balancer, buffered=%t: %v", m.name, buffered, err)
			} else if err := up.check(cluster, outputs); err != nil {
				t.Errorf("%s over a load balancer, buffered=%t: %v", m.name, buffered, err)
			}
			up.clean(t, cluster)
		}
	}
}

// checkFails checks that an add at the first of the endpoints fails, and that the
// outputs it has delivered are right.
func checkFails(t *testing.T, m method, up *upload, cfgs []*config.Config) {
	t.Helper()
	outputs, err := add(t, openers()[0].open(t, cfgs), m, up)
	var e *client.Error
	if !errors.As(err, &e) {
		t.Errorf("%s, buffered=%t: got the error %v, want a *client.Error", m.name, cfgs[0].BufferedAdds, err)
	}
	got, _ := nodes(outputs)
	for i, o := range got {
		if i >= len(up.want) || o != up.want[i] {
			t.Errorf("%s, buffered=%t: output %d was delivered, but is wrong: %s", m.name, cfgs[0].BufferedAdds, i, o)
			return
		}
	}
}

// openFailover opens a load balancer that tries the endpoints in their order.
func openFailover(t *testing.T, cfgs []*config.Config) client.Client {
	t.Helper()
	return opener{new: func(cfgs []*config.Config) (client.Client, error) {
		return lbclient.NewLBClient(&strategy.Failover{}, cfgs, 3)
	}}.open(t, cfgs)
}
