package pinset

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// Export writes the pinset of the cluster to w and returns the number of pins written. It
// writes a line of JSON for each pin of any type, with everything that the cluster has
// stored about it: the form of `ipfs-cluster-service state export`, which `state import`
// and [Import] read. If Export returns an error, the text is not complete.
func Export(ctx context.Context, c client.Client, w io.Writer, opts ...Option) (n int, err error) {
	o, err := notSync(c, opts)
	if err != nil {
		return 0, err
	}
	t := newTally(o)
	defer t.end()
	buffered := bufio.NewWriterSize(w, 64<<10)
	lines := json.NewEncoder(buffered)
	for pin, err := range c.Allocations(ctx, api.AllType) {
		if err == nil {
			t.listed.Add(1)
			err = lines.Encode(pin)
		}
		if err != nil {
			t.count(err)
			return t.done, fmt.Errorf("export after %d pins: %w", t.done, err)
		}
		t.count(nil)
	}
	if err := buffered.Flush(); err != nil {
		return t.done, fmt.Errorf("export: %w", err)
	}
	return t.done, nil
}
