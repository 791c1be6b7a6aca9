package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxDocument bounds a single document of an answer, in bytes.
const maxDocument = 256 << 20

// errNoResult is the success of a server that returns nothing: 202 of servers
// before v0.11, or 204.
var errNoResult = errors.New("the server returned no result")

// call performs a request whose answer is one document.
func call[T any](ctx context.Context, c *defaultClient, req *request) (*T, error) {
	r, err := c.send(ctx, req)
	if err != nil {
		return nil, err
	}
	defer r.close()
	body, err := r.readAll()
	if err != nil {
		return nil, r.brokenError(err)
	}
	if len(body) == 0 {
		return nil, r.fail(r.StatusCode, "", fmt.Errorf("%w: %w", ErrIncomplete, errNoResult), true)
	}
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, r.fail(r.StatusCode, "", fmt.Errorf("%w: this is not what a cluster peer answers: %w", ErrIncomplete, err), true)
	}
	return &v, nil
}

// run performs a request without a result. Whatever a proxy puts into the
// body is ignored.
func (c *defaultClient) run(ctx context.Context, req *request) error {
	r, err := c.send(ctx, req)
	if err != nil {
		return err
	}
	defer r.close()
	// A little is read so that the connection can be used again.
	_, _ = io.CopyN(io.Discard, r.Body, maxErrorBody)
	return nil
}

// readAll returns the body, which may be maxDocument long.
func (r *response) readAll() ([]byte, error) {
	if r.StatusCode == http.StatusNoContent {
		return nil, nil
	}
	if r.ContentLength > maxDocument {
		return nil, errTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxDocument+1))
	if err == nil && len(body) > maxDocument {
		err = errTooLarge
	}
	return body, err
}

var errTooLarge = fmt.Errorf("document of more than %d MiB", maxDocument>>20)
