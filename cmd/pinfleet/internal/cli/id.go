package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
)

func (a *app) idCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "id",
		Short: "Describe the contacted peer",
		Long:  `Id prints the name, IDs, addresses and version of the peer that answers, and of its IPFS daemon.`,
		Example: `  pinfleet id
  pinfleet id --peer 10.0.0.2
  pinfleet id --json | jq -r .id`,
		Args: noArgs,
		RunE: a.connected(func(ctx context.Context, s *session, _ []string) error {
			id, err := s.client.ID(ctx)
			if err != nil {
				return err
			}
			return s.out.Result(id, idFields(id)...)
		}),
	}
}

func idFields(id *api.ID) []output.Field {
	ipfs := output.Text(id.IPFS.ID.String())
	if id.IPFS.Error != "" {
		ipfs = output.Bad("error: " + id.IPFS.Error)
	}
	return slices.Concat(
		[]output.Field{
			{Name: "name", Value: output.Text(id.Peername)},
			{Name: "id", Value: output.Text(id.ID.String())},
			{Name: "version", Value: output.Text(id.Version)},
			{Name: "commit", Value: output.Text(id.Commit)},
			{Name: "protocol", Value: output.Text(id.RPCProtocolVersion)},
		},
		listFields("addresses", id.Addresses),
		listFields("peers", id.ClusterPeers),
		[]output.Field{{Name: "ipfs", Value: ipfs}},
		listFields("ipfs addresses", id.IPFS.Addresses),
		[]output.Field{{Name: "error", Value: output.Bad(id.Error)}},
	)
}

// listFields returns a field for each element of a list. Only the first has the name.
func listFields[T interface{ String() string }](name string, list []T) []output.Field {
	fields := make([]output.Field, len(list))
	for i, item := range list {
		fields[i] = output.Field{Name: name, Value: output.Text(item.String())}
		name = ""
	}
	return fields
}
