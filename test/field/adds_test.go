package field

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestAdds: behind a reverse proxy that is not full duplex (caddy, a plain Go
// ReverseProxy), up to 256 KiB of an upload vanished when the response began.
// Adds of these shapes came back with wrong roots or short reports and a nil
// error, and corrupted roots were pinned (B1).
func TestAdds(t *testing.T) {
	skipIfShort(t)
	n := count(t)
	uploads := prepare(t, shapes())
	totals := map[string]tally{}
	eachProxy(t, clustertest.Options{Peers: 2}, func(t *testing.T, p proxy, cluster *clustertest.Cluster, cfgs []*config.Config) {
		for _, up := range uploads {
			for _, m := range methods() {
				for _, o := range openers() {
					t.Run(fmt.Sprintf("%s-%s-%s", up.name, m.name, o.name), func(t *testing.T) {
						learns := p.damages && m.name == "AddMultiFile" && o.name == "default"
						got := repeat(t, n, cluster, up, m, learns, func() client.Client { return o.open(t, cfgs) })
						totals[p.name] = totals[p.name].plus(got)
					})
				}
			}
		}
	})
	t.Log(table(totals))
}

// tally counts the results of adds.
type tally struct {
	adds   int
	wrong  int // nil error, but the outputs or what is pinned are wrong
	failed int
	strays int // pins of other roots, which damaged attempts have left
}

func (a tally) plus(b tally) tally {
	return tally{a.adds + b.adds, a.wrong + b.wrong, a.failed + b.failed, a.strays + b.strays}
}

// table returns the totals of all proxies as lines.
func table(totals map[string]tally) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nproxy\tadds\twrong\tfailed\twrong pins left\t")
	for _, p := range proxies() {
		a := totals[p.name]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t\n", p.name, a.adds, a.wrong, a.failed, a.strays)
	}
	w.Flush()
	return b.String()
}

// repeat makes an add n times, each with a new client, which knows nothing of the
// proxy yet. If learns is set, the first add of a client may be found to be
// damaged, because a reader cannot be read again. The next one must succeed.
func repeat(t *testing.T, n int, cluster *clustertest.Cluster, up *upload, m method, learns bool, open func() client.Client) tally {
	var got tally
	for range n {
		got.adds++
		c := open()
		outputs, err := add(t, c, m, up)
		if learns && (errors.Is(err, client.ErrContentMismatch) || errors.Is(err, client.ErrIncomplete)) {
			outputs, err = add(t, c, m, up)
		}
		if err != nil {
			got.failed++
			t.Errorf("failed: %v", err)
		} else if err := up.check(cluster, outputs); err != nil {
			got.wrong++
			t.Errorf("wrong, with a nil error: %v", err)
		}
		got.strays += up.clean(t, cluster)
	}
	return got
}
