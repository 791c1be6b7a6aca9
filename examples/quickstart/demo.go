package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
)

// progressStep is the number of bytes of a file between two lines of progress.
const progressStep = 8 << 20

// demo performs the steps of the example with any client.
type demo struct {
	client client.Client
	w      io.Writer
}

// greet checks that the cluster can be used, and prints its version and addresses.
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

// add adds paths with params, prints the outputs as they arrive, and returns
// the root. If midway is not nil, add calls it once, after the first part of the
// content was sent.
func (d *demo) add(ctx context.Context, title string, paths []string, params *api.AddParams, midway func()) (cid.Cid, error) {
	fmt.Fprintf(d.w, "--- %s\n", title)
	params.Recursive = true
	params.Progress = true
	out := make(chan *api.AddedOutput, 16)
	done := make(chan error, 1)
	go func() { done <- d.client.Add(ctx, paths, params, out) }()

	var root cid.Cid
	printed := uint64(0)
	for o := range out { // Add closes out
		if o.Cid.Defined() {
			// Only the directory that wraps several paths has no name.
			fmt.Fprintf(d.w, "added %s %s (%d bytes)\n", o.Cid, cmp.Or(o.Name, "."), o.Size)
			root, printed = o.Cid.Cid, 0
			continue
		}
		if o.Bytes >= printed+progressStep {
			// The progress of a single file has no name.
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

// large adds a large file, pins it, and prints the status of the file and of the
// CID other. If unpin is true, it finally unpins the file, even after an error,
// unless the file was pinned before. It pins in a separate call, because then it
// knows the CID if the pin fails.
func (d *demo) large(ctx context.Context, other cid.Cid, midway func(), unpin bool) (err error) {
	path, err := largeFile()
	if err != nil {
		return err
	}
	defer os.Remove(path)
	params := api.DefaultAddParams()
	params.NoPin = true
	ci, err := d.add(ctx, "adding a large file", []string{path}, params, midway)
	if err != nil {
		return err
	}
	_, err = d.client.Allocation(ctx, ci)
	switch {
	case err == nil:
		fmt.Fprintln(d.w, "--- the large file is pinned already, and stays so")
		return d.status(ctx, other, ci)
	case !errors.Is(err, client.ErrNotFound):
		return err
	case unpin:
		defer func() { err = errors.Join(err, d.unpin(ctx, ci)) }()
	}
	fmt.Fprintln(d.w, "--- pinning the large file")
	if _, err := d.client.Pin(ctx, ci, api.PinOptions{}); err != nil {
		return err
	}
	return d.status(ctx, other, ci)
}

// unpinPatience is the time within which a peer must learn of another peer's pin.
const unpinPatience = 5 * time.Second

// unpin unpins ci, even if ctx has ended.
func (d *demo) unpin(ctx context.Context, ci cid.Cid) error {
	fmt.Fprintln(d.w, "--- unpinning the large file; -keep keeps it")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unpinPatience)
	defer cancel()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		_, err := d.client.Unpin(ctx, ci)
		if err == nil {
			fmt.Fprintf(d.w, "unpinned %s\n", ci)
			return nil
		}
		if last == nil || !errors.Is(err, context.DeadlineExceeded) {
			last = err
		}
		if !errors.Is(last, client.ErrNotFound) {
			return fmt.Errorf("%s may be left pinned: %w", ci, last)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			fmt.Fprintf(d.w, "%s is not pinned\n", ci)
			return nil
		}
	}
}

// status waits until a peer has pinned each CID, and prints the status at all peers.
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
