package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
)

func (a *app) graphCommand() *cobra.Command {
	var dot, allIPFS bool
	cmd := &cobra.Command{
		Use:   "graph",
		Short: "Print which peers are connected to which",
		Long: `Graph prints the connections between the peers and between their IPFS daemons, as a
list or, with --dot, as a graph in the DOT language of Graphviz.`,
		Example: `  pinfleet graph
  pinfleet graph --dot | dot -Tsvg > cluster.svg
  pinfleet graph --dot --all-ipfs-peers > cluster.dot`,
		Args: noArgs,
		RunE: a.connected(func(ctx context.Context, s *session, _ []string) error {
			switch {
			case allIPFS && !dot:
				return exitcode.Usage("--all-ipfs-peers needs --dot")
			case dot && s.json:
				return exitcode.Usage("--dot and --json are two forms of the output: choose one")
			}
			g, err := s.client.ConnectGraph(ctx)
			switch {
			case err != nil:
				return err
			case dot:
				return s.out.Text(dotGraph(g, allIPFS))
			}
			return s.printGraph(g)
		}),
	}
	cmd.Flags().BoolVar(&dot, "dot", false, "print a graph in the DOT language")
	cmd.Flags().BoolVar(&allIPFS, "all-ipfs-peers", false, "include IPFS daemons outside the cluster")
	return cmd
}

func (s *session) printGraph(g *api.ConnectGraph) error {
	if s.out.JSON {
		return s.out.Document(g)
	}
	table := s.out.Table("PEER", "CONNECTED TO", "IPFS CONNECTED TO")
	total := len(g.ClusterLinks)
	for _, id := range slices.SortedFunc(maps.Keys(g.ClusterLinks), func(a, b string) int {
		return strings.Compare(peerName(g, a), peerName(g, b))
	}) {
		ipfs := "unknown"
		if daemon, ok := g.ClustertoIPFS[id]; ok {
			ipfs = fmt.Sprintf("%d daemons", len(g.IPFSLinks[daemon.String()]))
		}
		links := g.ClusterLinks[id]
		var names []string
		for _, to := range links {
			names = append(names, peerName(g, to.String()))
		}
		slices.Sort(names)
		connected := output.Text(strings.Join(names, ", "))
		if len(links) < total-1 {
			connected = output.Bad(strings.Join(append(names, fmt.Sprintf("%d missing", total-1-len(links))), ", "))
		}
		if err := table.Row(nil, output.Text(peerName(g, id)), connected, output.Text(ipfs)); err != nil {
			return err
		}
	}
	return table.End()
}

// peerName returns the name of a peer, or its ID if it has none.
func peerName(g *api.ConnectGraph, id string) string {
	if name := g.IDtoPeername[id]; name != "" {
		return name
	}
	return id
}

// dotGraph returns the graph in the DOT language. Boxes are cluster peers, ellipses
// are IPFS daemons.
func dotGraph(g *api.ConnectGraph, allIPFS bool) string {
	var b strings.Builder
	b.WriteString("digraph cluster {\n")
	for _, id := range slices.Sorted(maps.Keys(g.ClusterLinks)) {
		style := ""
		if id == g.ClusterID.String() {
			style = ", style=bold"
		}
		fmt.Fprintf(&b, "  %s [shape=box, label=%s%s];\n", quoteDot(id), quoteDot(peerName(g, id)), style)
	}
	daemons := make(map[string]bool)
	for id := range g.IPFSLinks {
		daemons[id] = true
	}
	for _, id := range g.ClustertoIPFS {
		daemons[id.String()] = true
	}
	if allIPFS {
		for _, links := range g.IPFSLinks {
			for _, to := range links {
				daemons[to.String()] = true
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(daemons)) {
		fmt.Fprintf(&b, "  %s [shape=ellipse, label=%s];\n", quoteDot(id), quoteDot(shortID(id)))
	}
	writeLinks(&b, g.ClusterLinks, func(string) bool { return true })
	for _, id := range slices.Sorted(maps.Keys(g.ClustertoIPFS)) {
		fmt.Fprintf(&b, "  %s -> %s [style=dashed];\n", quoteDot(id), quoteDot(g.ClustertoIPFS[id].String()))
	}
	writeLinks(&b, g.IPFSLinks, func(to string) bool { return daemons[to] })
	b.WriteString("}\n")
	return b.String()
}

// writeLinks writes the links to the wanted nodes, sorted.
func writeLinks(b *strings.Builder, links map[string][]peer.ID, wanted func(to string) bool) {
	for _, from := range slices.Sorted(maps.Keys(links)) {
		var targets []string
		for _, to := range links[from] {
			if id := to.String(); wanted(id) {
				targets = append(targets, id)
			}
		}
		slices.Sort(targets)
		for _, to := range targets {
			fmt.Fprintf(b, "  %s -> %s;\n", quoteDot(from), quoteDot(to))
		}
	}
}

// shortID returns the end of a peer's ID, where IDs differ.
func shortID(id string) string {
	if len(id) > 8 {
		return "…" + id[len(id)-8:]
	}
	return id
}

// quoteDot returns text as a quoted string of the DOT language.
func quoteDot(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ").Replace(text) + `"`
}
