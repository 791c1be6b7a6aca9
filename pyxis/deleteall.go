package pyxis

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// The limits of DeleteAll.
const (
	deleteWidth  = 128 // requests in flight
	deleteRounds = 10  // attempts while other clients create nodes
)

// DeleteAll deletes a node and everything below it, hidden and ephemeral nodes of
// other sessions included. It is not atomic: other clients see the nodes disappear
// from the bottom up, and an error leaves a part of them. It fails with ErrNotFound
// if the node does not exist when it is first read. If other clients create nodes
// below it meanwhile, it reads and deletes again, ten times at most; then it fails
// with the server's ErrInvalidArgument. Options.CallTimeout limits each of its
// requests, the context passed to WithContext limits all of them. A nil opt means
// the defaults.
func (c *Client) DeleteAll(opt *WriteOption, path string) error {
	if path == "/" || strings.HasPrefix(path, pyxiswire.Reserved) {
		return invalid("delete", path, "this cannot be deleted, / and paths that begin with /pyxis are the server's")
	}
	if _, err := c.Read(nil, path, nil); err != nil {
		return err
	}
	for round := 1; ; round++ {
		err := c.deleteOnce(opt, path)
		if err == nil || round == deleteRounds || !errors.Is(err, ErrInvalidArgument) {
			return err
		}
	}
}

// deleteOnce deletes the nodes that it finds at path and below. It fails with
// ErrInvalidArgument if others are created meanwhile.
func (c *Client) deleteOnce(opt *WriteOption, path string) error {
	levels := [][]string{{path}}
	for {
		children, err := c.childrenOf(levels[len(levels)-1])
		if err != nil {
			return err
		}
		if len(children) == 0 {
			break
		}
		levels = append(levels, children)
	}
	for _, level := range slices.Backward(levels) {
		if err := c.each(level, func(c *Client, i int) error { return c.Delete(opt, level[i]) }); err != nil {
			return err
		}
	}
	return nil
}

// childrenOf returns the paths of all children of the given nodes.
func (c *Client) childrenOf(paths []string) ([]string, error) {
	names := make([][]string, len(paths))
	err := c.each(paths, func(c *Client, i int) error {
		n, err := c.Read(&ReadOption{ShowHidden: true}, paths[i], nil)
		if err != nil {
			return err
		}
		names[i] = n.Children
		return nil
	})
	if err != nil {
		return nil, err
	}
	var children []string
	for i, parent := range paths {
		for _, name := range names[i] {
			children = append(children, parent+"/"+name)
		}
	}
	return children, nil
}

// each calls do for each path, several at a time, until one fails. That a node
// does not exist is not a failure.
func (c *Client) each(paths []string, do func(c *Client, i int) error) error {
	group, ctx := errgroup.WithContext(c.ctx)
	group.SetLimit(deleteWidth)
	bounded := c.WithContext(ctx)
	for i := range paths {
		group.Go(func() error {
			if err := do(bounded, i); !errors.Is(err, ErrNotFound) {
				return err
			}
			return nil
		})
	}
	return group.Wait()
}
