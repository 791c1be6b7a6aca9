package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/pinset"
)

func (a *app) importCommand() *cobra.Command {
	var (
		flags pinFlags
		bulk  bulkFlags
	)
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Pin what a file lists",
		Long: `Import pins the items of a file, many at a time. Each line is a pin in JSON, as
pinfleet export and ipfs-cluster-service state export write it, or CSV with a CID and
a name, or a CID. The flags are the options of the pins that are not in JSON. Lines
that cannot be read are reported and left out.`,
		Example: `  pinfleet import backup.ndjson
  pinfleet import cids.txt --replication 2
  zcat backup.ndjson.gz | pinfleet import -`,
		Args: exactly(1, "a file, or - for standard input"),
		RunE: a.connected(func(ctx context.Context, s *session, args []string) error {
			defaults, err := flags.options(s.now())
			if err != nil {
				return err
			}
			opts, err := bulk.options()
			if err != nil {
				return err
			}
			f, err := s.open(ctx, args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			b := s.newBulk("pinned")
			opts = append(opts, pinset.WithProgress(b.show))
			err = each(b, pinset.Pin(ctx, s.client, pinset.Import(f, defaults), opts...), func(pin *api.Pin) error {
				if s.out.JSON {
					return s.out.Document(pin)
				}
				return nil
			})
			b.endShow()
			if err != nil {
				return err
			}
			return s.out.Line("%s", b)
		}),
	}
	flags.register(cmd)
	bulk.register(cmd)
	return cmd
}
