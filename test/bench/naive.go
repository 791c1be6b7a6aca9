package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// The naive client is a straightforward one: net/http, a json.Decoder, the
// types of package naive, and a channel for each stream.

// naiveList lists the items at url and returns their number.
func naiveList[T any](ctx context.Context, url string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	return naiveStream[T](http.DefaultClient.Do(req))
}

// naiveStream returns the number of documents in an answer.
func naiveStream[T any](resp *http.Response, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %s", resp.Status)
	}
	items, failed := make(chan T, 64), make(chan error, 1)
	go func() {
		defer close(items)
		dec := json.NewDecoder(resp.Body)
		for {
			var item T
			if err := dec.Decode(&item); err != nil {
				if err != io.EOF {
					failed <- err
				}
				return
			}
			items <- item
		}
	}()
	n := 0
	for range items {
		n++
	}
	select {
	case err := <-failed:
		return n, err
	default:
		return n, nil
	}
}
