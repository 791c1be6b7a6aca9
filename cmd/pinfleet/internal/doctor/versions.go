package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkVersions reports peers that run different versions.
func (c *cluster) checkVersions() []Finding {
	running := map[string][]string{} // members by version
	for _, m := range c.members {
		if v := m.desc.Version; v != "" {
			// What follows a plus sign is the commit of a build.
			v, _, _ = strings.Cut(v, "+")
			running[v] = append(running[v], m.String())
		}
	}
	if len(running) < 2 {
		return nil
	}
	var parts []string
	for _, v := range slices.Sorted(maps.Keys(running)) {
		parts = append(parts, fmt.Sprintf("%s runs on %s", v, strings.Join(running[v], ", ")))
	}
	return []Finding{{ID: VersionsDiffer, Severity: Warning, What: "the peers run different versions: " + strings.Join(parts, "; "),
		Why: "Peers of different versions may not understand one another, and answer differently depending on which is asked.",
		Do:  "Bring all peers to the same version."}}
}
