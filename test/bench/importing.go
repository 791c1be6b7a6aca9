package main

import (
	"context"
	"crypto/sha256"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

const (
	importSize = 256 << 20
	chunkSize  = 262144
)

// importing adds a file to an in-process cluster over HTTP.
func importing(ctx context.Context, r *report) error {
	dir, err := os.MkdirTemp("", "pinfleet-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	content, path := noise(importSize), filepath.Join(dir, "content")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	r.often = 3
	r.work(importSize>>20, "a MiB")
	standings, err := r.race(ctx,
		contender{"ours", func(ctx context.Context) error { return importOnce(ctx, path) }},
		contender{"floor", func(context.Context) error {
			for chunk := range slices.Chunk(content, chunkSize) {
				sha256.Sum256(chunk)
			}
			return nil
		}},
	)
	if err != nil {
		return err
	}
	r.keep()
	r.values["vs_floor"] = r.each(standings[1]) / r.each(standings[0])
	return nil
}

// importOnce adds to a new cluster, which keeps all blocks in memory.
func importOnce(ctx context.Context, path string) error {
	cluster, err := clustertest.Start(clustertest.Options{Peers: 1})
	if err != nil {
		return err
	}
	defer cluster.Close()
	// The figure is about the cluster: the client must not compute the hashes, too.
	c, err := client.NewDefaultClient(&config.Config{APIAddr: cluster.Peer(0).Addr(), SkipVerify: true})
	if err != nil {
		return err
	}
	defer c.Close()
	params := api.DefaultAddParams()
	params.Chunker = "size-262144"
	return outputs(1, func(out chan<- *api.AddedOutput) error { return c.Add(ctx, []string{path}, params, out) })
}

// noise returns n random bytes that are the same in every run.
func noise(n int) []byte {
	b := make([]byte, n)
	source := rand.NewChaCha8([32]byte{2})
	_, _ = source.Read(b) // Read never fails
	return b
}
