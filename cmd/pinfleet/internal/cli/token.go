package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) tokenCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "token",
		Short: "Print a bearer token for the user",
		Long: `Token prints a bearer token that the contacted peer issues for the user name and
password. It is a secret, and valid until the user's password changes.`,
		Example: `  export PINFLEET_TOKEN=$(pinfleet token)`,
		Args:    noArgs,
		RunE: a.connected(func(ctx context.Context, s *session, _ []string) error {
			token, err := s.client.Token(ctx)
			if err != nil {
				return err
			}
			if s.out.JSON {
				return s.out.Document(token)
			}
			return s.out.Line("%s", token.Token)
		}),
	}
}
