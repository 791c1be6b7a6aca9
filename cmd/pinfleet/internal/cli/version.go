package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of the contacted peer and of this program",
		Long:  `Version prints the version of the peer that answers. Pinfleet --version prints this program's without a cluster.`,
		Example: `  pinfleet version
  pinfleet version --json`,
		Args: noArgs,
		RunE: a.connected(func(ctx context.Context, s *session, _ []string) error {
			v, err := s.client.Version(ctx)
			if err != nil {
				return err
			}
			return s.out.Result(v,
				output.Field{Name: "cluster", Value: output.Text(v.Version)},
				output.Field{Name: "pinfleet", Value: output.Text(version())})
		}),
	}
}
