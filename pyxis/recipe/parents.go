package recipe

import (
	"errors"
	"strings"

	"github.com/pinfleet/pinfleet/pyxis"
)

// create creates an ephemeral node. It creates missing parents as persistent
// nodes.
func create(c *pyxis.Client, path string, data []byte) error {
	err := c.Create(&pyxis.WriteOption{IsEphemeral: true}, path, data)
	if !errors.Is(err, pyxis.ErrNotFound) {
		return err
	}
	for i := 1; i < len(path); i++ {
		next := strings.IndexByte(path[i:], '/')
		if next < 0 {
			break
		}
		i += next
		if err := c.Create(nil, path[:i], nil); err != nil && !errors.Is(err, pyxis.ErrExists) {
			return err
		}
	}
	return c.Create(&pyxis.WriteOption{IsEphemeral: true}, path, data)
}
