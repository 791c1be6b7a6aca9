package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/naive"
)

const (
	statusItems = 20_000
	manyItems   = 1_000_000
	pinItems    = 100_000
)

func statusAll(ctx context.Context, r *report) error {
	docs, err := newDocuments()
	if err != nil {
		return err
	}
	body, err := docs.status()
	if err != nil {
		return err
	}
	list := func(c client.Client) iter.Seq2[*api.GlobalPinInfo, error] {
		return c.StatusAll(ctx, api.TrackerStatusUndefined, false)
	}
	if err := listing(ctx, r, body, statusItems, naiveList[naive.Status], "/pins", list); err != nil {
		return err
	}

	s, err := serve(streaming(body, manyItems/distinct))
	if err != nil {
		return err
	}
	defer s.close()
	c, err := s.client()
	if err != nil {
		return err
	}
	defer c.Close()
	r.values["peak_mb"], err = peak(ctx, func(context.Context) error { return count(list(c), manyItems) })
	return err
}

func allocations(ctx context.Context, r *report) error {
	docs, err := newDocuments()
	if err != nil {
		return err
	}
	body, err := docs.pins()
	if err != nil {
		return err
	}
	return listing(ctx, r, body, pinItems, naiveList[naive.Pin], "/allocations", func(c client.Client) iter.Seq2[*api.Pin, error] {
		return c.Allocations(ctx, api.AllType)
	})
}

// listing measures a listing of n items.
func listing[T any](ctx context.Context, r *report, body []byte, n int, naive func(context.Context, string) (int, error),
	path string, ours func(client.Client) iter.Seq2[*T, error]) error {
	s, err := serve(streaming(body, n/distinct))
	if err != nil {
		return err
	}
	defer s.close()
	c, err := s.client()
	if err != nil {
		return err
	}
	defer c.Close()
	r.work(n, "an item")
	r.note("%d bytes an item", len(body)/distinct)
	standings, err := r.race(ctx,
		contender{"ours", func(context.Context) error { return count(ours(c), n) }},
		contender{"naive", func(ctx context.Context) error {
			items, err := naive(ctx, s.url+path)
			return complete(items, n, err)
		}},
		contender{"floor", func(ctx context.Context) error { return tokenize(ctx, s.url+path) }},
		contender{"wire", func(ctx context.Context) error {
			_, err := drain(ctx, http.DefaultClient, s.url+path)
			return err
		}},
	)
	if err != nil {
		return err
	}
	r.keep()
	r.values["vs_naive"] = r.each(standings[0]) / r.each(standings[1])
	r.values["vs_floor"] = r.each(standings[0]) / r.each(standings[2])
	r.values["allocs"] = standings[0].median.allocs / r.units
	r.values["naive_allocs"] = standings[1].median.allocs / r.units
	return nil
}

// count consumes a listing and checks the number of its items.
func count[T any](items iter.Seq2[*T, error], want int) error {
	n := 0
	for _, err := range items {
		if err != nil {
			return err
		}
		n++
	}
	return complete(n, want, nil)
}

func complete(n, want int, err error) error {
	if err == nil && n != want {
		err = fmt.Errorf("%d items, want %d", n, want)
	}
	return err
}

// tokenize reads the JSON tokens of the document at url.
func tokenize(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	dec := jsontext.NewDecoder(resp.Body)
	for {
		if _, err := dec.ReadToken(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}
