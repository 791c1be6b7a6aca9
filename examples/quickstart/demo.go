package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sort"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
)

// progressStep is how much of a file is between two lines of progress.
const progressStep = 8 << 20

// demo is what the example does with a client, whichever that is.
type demo struct {
	client client.Client
	w      io.Writer
}

// greet shows that the cluster is there.
func (d *demo) greet(ctx context.Context, cfgs []*config.Config) error {
	v, err := d.client.Version(ctx)
	switch {
	case errors.Is(err, client.ErrUnauthorized):
		return fmt.Errorf("the cluster refuses the credentials, set PINFLEET_BASIC_AUTH=user:password or PINFLEET_TOKEN: %w", err)
	case err != nil:
		return fmt.Errorf("the cluster cannot be used: %w", err)
	}
	fmt.Fprintf(d.w, "--- a cluster of version %s behind\n", v.Version)
	for _, cfg := range cfgs {
		addr, err := cfg.Address()
		if err != nil {
			return err
		}
		fmt.Fprintf(d.w, "    %s\n", addr)
	}
	return nil
}

// add adds paths and prints what the cluster reports as it arrives. It calls
// midway, if there is one, once a first part of the content was taken. It
// returns the root.
func (d *demo) add(ctx context.Context, title string, paths []string, midway func()) (cid.Cid, error) {
	fmt.Fprintf(d.w, "--- %s\n", title)
	params := api.DefaultAddParams()
	params.Recursive = true
	params.Progress = true
	out := make(chan *api.AddedOutput, 16)
	done := make(chan error, 1)
	go func() { done <- d.client.Add(ctx, paths, params, out) }()

	var root cid.Cid
	printed := uint64(0)
	for o := range out { // Add closes it
		if o.Cid.Defined() {
			// Only the directory that wraps several paths has no name.
			fmt.Fprintf(d.w, "added %s %s (%d bytes)\n", o.Cid, cmp.Or(o.Name, "."), o.Size)
			root, printed = o.Cid.Cid, 0
			continue
		}
		if o.Bytes >= printed+progressStep {
			// Progress of a lone file has no name.
			fmt.Fprintf(d.w, "      %s: %d MiB\n", cmp.Or(o.Name, filepath.Base(paths[0])), o.Bytes>>20)
			printed = o.Bytes
		}
		if midway != nil && o.Bytes >= progressStep {
			midway()
			midway = nil
		}
	}
	if err := <-done; err != nil {
		return cid.Undef, err
	}
	if !root.Defined() {
		return cid.Undef, errors.New("the cluster did not report a root")
	}
	return root, nil
}

// status waits until a peer holds each CID, and prints what all peers say.
func (d *demo) status(ctx context.Context, cids ...cid.Cid) error {
	fmt.Fprintln(d.w, "--- what is pinned where")
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	wait := client.StatusFilterParams{Target: api.TrackerStatusPinned, Limit: 1}
	for info, err := range client.WaitForAll(ctx, d.client, cids, wait) {
		if err != nil {
			return err
		}
		fmt.Fprintf(d.w, "%s\n", info.Cid)
		peers := make([]string, 0, len(info.PeerMap))
		for p := range info.PeerMap {
			peers = append(peers, p)
		}
		sort.Strings(peers)
		for _, p := range peers {
			at := info.PeerMap[p]
			fmt.Fprintf(d.w, "    %s (%s): %s\n", p, at.PeerName, at.Status)
		}
	}
	return nil
}
