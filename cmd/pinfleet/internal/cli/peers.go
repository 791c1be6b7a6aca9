package cli

import (
	"cmp"
	"context"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
)

func (a *app) peersCommand() *cobra.Command {
	return a.group("peers", "List and change the members of the cluster", a.peersLsCommand(), a.peersAddCommand(), a.peersRmCommand())
}

func (a *app) peersLsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List the members of the cluster",
		Long:  `Peers ls lists the members, with the error of those that the contacted peer cannot reach.`,
		Example: `  pinfleet peers ls
  pinfleet peers ls --json | jq -r .peername`,
		Args: noArgs,
		RunE: a.connected(func(ctx context.Context, s *session, _ []string) error {
			peers, err := s.client.Peers(ctx)
			if err != nil {
				return err
			}
			slices.SortFunc(peers, func(a, b *api.ID) int {
				return cmp.Or(cmp.Compare(a.Peername, b.Peername), cmp.Compare(a.ID, b.ID))
			})
			table := s.out.Table("NAME", "ID", "VERSION", "SEES", "IPFS", "ERROR")
			for _, p := range peers {
				ipfs := output.Good("up")
				if p.IPFS.Error != "" {
					ipfs = output.Bad(p.IPFS.Error)
				}
				row := []output.Cell{output.Text(p.Peername), output.Text(p.ID.String()), output.Text(p.Version), output.Number(len(p.ClusterPeers)), ipfs, output.Text("")}
				if p.Error != "" {
					row = []output.Cell{output.Text(p.Peername), output.Text(p.ID.String()), output.Text(""), output.Text(""), output.Text(""), output.Bad(p.Error)}
				}
				if err := table.Row(p, row...); err != nil {
					return err
				}
			}
			return table.End()
		}),
	}
}

func (a *app) peersAddCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "add ID",
		Short: "Make a peer a member of the cluster",
		Long: `Peers add makes the peer with the given ID a member. A peer usually joins by itself,
with a setting of its own, and then this is not needed.`,
		Example: `  pinfleet peers add 12D3KooWJMT5X8uc8EHRVKitQu7Kmu2ydgFJrqrRT9rDvUez1E9Y`,
		Args:    exactly(1, "the ID of a peer"),
		RunE: a.connected(func(ctx context.Context, s *session, args []string) error {
			pid, err := decodePeer(args[0])
			if err != nil {
				return err
			}
			id, err := s.client.PeerAdd(ctx, pid)
			if err != nil {
				return err
			}
			return s.out.Result(id, idFields(id)...)
		}),
	}
}

func (a *app) peersRmCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rm ID",
		Short: "Remove a peer from the cluster",
		Long: `Peers rm removes the peer with the given ID. The peer stops if it is running. Clusters
with CRDT consensus refuse this: there, a peer leaves when it is stopped.`,
		Example: `  pinfleet peers rm 12D3KooWJMT5X8uc8EHRVKitQu7Kmu2ydgFJrqrRT9rDvUez1E9Y`,
		Args:    exactly(1, "the ID of a peer"),
		RunE: a.connected(func(ctx context.Context, s *session, args []string) error {
			pid, err := decodePeer(args[0])
			if err != nil {
				return err
			}
			return s.client.PeerRm(ctx, pid)
		}),
	}
}

func decodePeer(text string) (peer.ID, error) {
	pid, err := peer.Decode(text)
	if err != nil {
		return "", exitcode.Usage("%q is not the ID of a peer: pinfleet peers ls lists them", text)
	}
	return pid, nil
}
