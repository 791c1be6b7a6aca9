package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/oneline"
)

// pinsTimeout is the least time for the list of the pins in error. A peer collects it
// from all members before it sends the first item.
const pinsTimeout = time.Minute

// failedStatus are the statuses of pins that need help. A member that cannot be asked
// (cluster_error) is a finding of its own.
const failedStatus = api.TrackerStatusPinError | api.TrackerStatusUnpinError | api.TrackerStatusUnexpectedlyUnpinned

// maxReason is the maximum size in bytes of the reasons why an item has failed.
const maxReason = 300

// checkPins reports pins that have failed at some members. It asks the first endpoint.
func (c *cluster) checkPins(ctx context.Context) []Finding {
	limit := max(c.opts.Timeout, pinsTimeout)
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	asked := c.endpoints[0]
	items := 0
	first := ""
	for info, err := range asked.c.StatusAll(limited, failedStatus, false) {
		if err != nil {
			return []Finding{{ID: PinsUnknown, Severity: Warning, Endpoint: asked.name,
				What: fmt.Sprintf("the pins in error could not be listed within %s: %v", limit, err),
				Why:  "Failed pins remain unseen.", Do: "List them with “pinfleet status --filter error”, which has no time limit."}}
		}
		if c.isProbe(info) {
			continue
		}
		if items++; first == "" {
			first = describe(info)
		}
	}
	if items == 0 {
		return nil
	}
	return []Finding{{ID: PinsInError, Severity: Error, What: fmt.Sprintf("pins in error: %d, for instance %s", items, first),
		Why: "They have fewer copies than they should, or none.",
		Do:  "Run “pinfleet recover” to try them again, and “pinfleet status --filter error” for the reasons."}}
}

// isProbe reports whether an item is that of an upload check. For a moment after its
// removal, peers miss it.
func (c *cluster) isProbe(info *api.GlobalPinInfo) bool {
	return info.Name == probeName || slices.ContainsFunc(c.endpoints, func(e *endpoint) bool { return slices.Contains(e.probed, info.Cid.Cid) })
}

// describe returns the CID of an item with the peers at which it has failed.
func describe(info *api.GlobalPinInfo) string {
	var failed []string
	for id, at := range info.PeerMap {
		if at.Status&failedStatus != 0 {
			name := at.PeerName
			if name == "" {
				name = id
			}
			failed = append(failed, strings.TrimSuffix(fmt.Sprintf("%s at %s: %s", at.Status, name, at.Error), ": "))
		}
	}
	slices.Sort(failed)
	return fmt.Sprintf("%s (%s)", info.Cid, oneline.Text(strings.Join(failed, "; "), maxReason))
}
