package cli

import (
	"context"
	"errors"
	"net/http"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// onlyHash prints the CIDs of the sources. It adds them to a peer in this process that
// stores nothing, so that the CIDs are those of an add with the same parameters.
func (a *app) onlyHash(ctx context.Context, flags *addFlags, params *api.AddParams, args []string) (err error) {
	ctx, cancel := a.within(ctx)
	defer cancel()
	cluster, err := clustertest.Start(clustertest.Options{Peers: 1, Listen: clustertest.Memory, DiscardBlocks: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	transport := &http.Transport{DialContext: cluster.Peer(0).DialContext}
	defer transport.CloseIdleConnections()
	c, err := client.NewDefaultClient(&config.Config{RoundTripper: transport, SkipVerify: true})
	if err != nil {
		return err
	}
	defer c.Close()
	unpinned := *params
	unpinned.PinOptions = api.PinOptions{Name: params.Name}
	unpinned.NoPin, unpinned.Local = true, false
	ad := &adding{app: a, client: c, out: a.printer(), flags: flags, params: &unpinned}
	return ad.run(ctx, args)
}
