package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
)

func (a *app) recoverCommand() *cobra.Command {
	var all, local bool
	cmd := &cobra.Command{
		Use:   "recover CID|- … | --all",
		Short: "Try again to pin or unpin what is in an error state",
		Long: `Recover makes the peers that failed to pin or unpin the given items try again or, with
--all, those that failed with any item. It prints the status of these items. It does
not wait for the result; pinfleet wait does.`,
		Example: `  pinfleet recover --all
  pinfleet recover QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG
  pinfleet status --filter error --quiet | pinfleet recover -`,
		RunE: a.connected(func(ctx context.Context, s *session, args []string) error {
			switch {
			case all && len(args) > 0:
				return exitcode.Usage("--all and CIDs are given: drop one of them")
			case !all && len(args) == 0:
				return exitcode.Usage("recover needs a CID, or --all")
			}
			if err := s.checkLocal(local); err != nil {
				return err
			}
			if all {
				return s.recoverAll(ctx, local)
			}
			return s.recover(ctx, args, local)
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "recover every item in an error state")
	cmd.Flags().BoolVar(&local, "local", false, "only at the contacted peer")
	return cmd
}

func (s *session) recover(ctx context.Context, args []string, local bool) error {
	cids, err := s.cids(ctx, args)
	if err != nil {
		return err
	}
	table := s.statusTable()
	table.long = len(cids) == 1
	b := s.newBatch(len(cids), "recovered")
	for _, ci := range cids {
		info, err := s.client.Recover(ctx, ci, local)
		if err == nil {
			err = table.row(info)
		}
		if err := b.record(ci.String(), err); err != nil {
			return errors.Join(err, table.End())
		}
	}
	return errors.Join(table.End(), b.err())
}

func (s *session) recoverAll(ctx context.Context, local bool) error {
	table := s.statusTable()
	for info, err := range s.client.RecoverAll(ctx, local) {
		if err == nil {
			err = table.row(info)
		}
		if err != nil {
			return errors.Join(err, table.End())
		}
	}
	return table.End()
}
