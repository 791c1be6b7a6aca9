// Package publish puts a web site into a cluster. Its test shows how a program is tested
// with a cluster whose peers fail.
package publish

import (
	"context"
	"io/fs"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// Site adds a site to the cluster, waits until this number of peers hold it, and returns
// its root.
func Site(ctx context.Context, c client.Client, name string, site fs.FS, copies int) (cid.Cid, error) {
	added, err := client.AddFS(ctx, c, name, site, nil)
	if err != nil {
		return cid.Undef, err
	}
	if _, err := client.WaitFor(ctx, c, client.StatusFilterParams{Cid: added.Root, Target: api.TrackerStatusPinned, Limit: copies}); err != nil {
		return cid.Undef, err
	}
	return added.Root, nil
}
