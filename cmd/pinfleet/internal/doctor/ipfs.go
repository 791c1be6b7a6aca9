package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
)

// checkIPFS reports members whose IPFS daemon does not answer.
func (c *cluster) checkIPFS() []Finding {
	var findings []Finding
	for _, m := range c.members {
		if m.desc.Error == "" && m.desc.IPFS.Error != "" {
			findings = append(findings, Finding{ID: IPFSDown, Severity: Error,
				What: fmt.Sprintf("the IPFS daemon of %s does not answer: %s", m, m.desc.IPFS.Error),
				Why:  "This peer can neither pin nor serve what it has pinned.",
				Do:   "Start the daemon, check ipfs_connector.ipfshttp.node_multiaddress of the peer, then run “pinfleet recover”."})
		}
	}
	return findings
}

// freeSpace is the name of the metric with the free space of a peer's repository, in
// bytes.
const freeSpace = "freespace"

// checkSpace reports members with little space, and members whose metrics do not arrive
// although those of others do.
func (c *cluster) checkSpace() []Finding {
	i := slices.IndexFunc(c.endpoints, func(e *endpoint) bool { return len(e.free) > 0 })
	if i < 0 {
		return nil // the cluster does not publish this metric
	}
	from := c.endpoints[i]
	var findings []Finding
	var missing []string
	for _, m := range c.members {
		at := slices.IndexFunc(from.free, func(f *api.Metric) bool { return f.Peer == m.id })
		if at < 0 {
			if lists(from, m.id) && m.desc.Error == "" && m.desc.IPFS.Error == "" {
				missing = append(missing, m.String())
			}
			continue
		}
		free, err := strconv.ParseUint(from.free[at].Value, 10, 64)
		if err == nil && free < c.opts.MinFree {
			findings = append(findings, Finding{ID: DiskLow, Severity: Warning,
				What: fmt.Sprintf("%s has %s left", m, output.Bytes(float64(free))),
				Why:  "When the repository is full, its pins fail.",
				Do:   "Free space with “pinfleet gc”, raise StorageMax of its IPFS daemon, or add a peer."})
		}
	}
	if missing != nil {
		findings = append(findings, Finding{ID: MetricsMissing, Severity: Error, Endpoint: from.name,
			What: "it has no valid metrics of " + strings.Join(missing, ", "),
			Why:  "Nothing is allocated to a peer without valid metrics.",
			Do:   "Check the connection between the peers, and their clocks: a metric whose time has passed counts as missing."})
	}
	return findings
}
