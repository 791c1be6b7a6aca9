package pyxis

import (
	"errors"
)

// CreateAll is Create, except that it also creates the missing parents, as
// persistent nodes without data. It needs one request if the parent exists. If
// it fails, some of the parents may have been created. It fails with ErrNotFound
// if another client deletes a parent meanwhile.
func (c *Client) CreateAll(opt *WriteOption, path string, data []byte) error {
	err := c.Create(opt, path, data)
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	for i := range path {
		if i == 0 || path[i] != '/' {
			continue
		}
		if err := c.Create(nil, path[:i], nil); err != nil && !errors.Is(err, ErrExists) {
			return err
		}
	}
	return c.Create(opt, path, data)
}
