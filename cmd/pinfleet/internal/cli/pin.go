package cli

import (
	"context"
	"errors"

	"github.com/ipfs/boxo/path"
	"github.com/ipfs/go-cid"
	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
)

func (a *app) pinCommand() *cobra.Command {
	return a.group("pin", "Change and list the pinset", a.pinAddCommand(), a.pinRmCommand(), a.pinUpdateCommand(), a.listCommand())
}

func (a *app) pinAddCommand() *cobra.Command {
	var (
		flags pinFlags
		wait  waitFlags
		mode  string
	)
	cmd := &cobra.Command{
		Use:   "add CID|PATH|- …",
		Short: "Pin items, or change the options of their pins",
		Long: `Pin add makes items part of the pinset. An item is a CID or an IPFS path such as
/ipns/example.org, which the contacted peer resolves. The argument - reads items
from standard input, one per line. The peers fetch the content later; --wait waits
for that. An item that is pinned already gets the given options.`,
		Example: `  pinfleet pin add QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG --name readme --wait
  pinfleet pin add /ipns/docs.example.org --replication 2 --expire-in 30d
  pinfleet pin add - < cids.txt`,
		Args: atLeast(1, "a CID or a path"),
		RunE: a.connected(func(ctx context.Context, s *session, args []string) error {
			opts, err := flags.options(s.now())
			if err != nil {
				return err
			}
			if opts.Mode = api.PinModeFromString(mode); opts.Mode.String() != mode {
				return exitcode.Usage("--mode %s is neither recursive nor direct", mode)
			}
			return s.changePins(ctx, args, "pinned", wait.until(api.TrackerStatusPinned), func(ctx context.Context, item string) (*api.Pin, error) {
				// The server pins by CID only recursively.
				if ci, err := cid.Decode(item); err == nil && opts.Mode == api.PinModeRecursive {
					return s.client.Pin(ctx, ci, opts)
				}
				return s.pinPath(ctx, item, opts)
			})
		}),
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&mode, "mode", "recursive", "pin the whole DAG (`recursive`) or only its root block (direct)")
	wait.register(cmd)
	return cmd
}

func (a *app) pinRmCommand() *cobra.Command {
	var wait waitFlags
	cmd := &cobra.Command{
		Use:   "rm CID|PATH|- …",
		Short: "Unpin items",
		Long: `Pin rm removes items from the pinset. The peers unpin the content later; --wait waits
for that. The argument - reads items from standard input, one per line.`,
		Example: `  pinfleet pin rm QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG
  pinfleet ls --older-than 365d -q | pinfleet pin rm -`,
		Args: atLeast(1, "a CID or a path"),
		RunE: a.connected(func(ctx context.Context, s *session, args []string) error {
			return s.changePins(ctx, args, "unpinned", wait.until(api.TrackerStatusUnpinned), func(ctx context.Context, item string) (*api.Pin, error) {
				if ci, err := cid.Decode(item); err == nil {
					return s.client.Unpin(ctx, ci)
				}
				if err := checkPath(item); err != nil {
					return nil, err
				}
				return s.client.UnpinPath(ctx, item)
			})
		}),
	}
	wait.register(cmd)
	return cmd
}

func (a *app) pinUpdateCommand() *cobra.Command {
	var (
		flags pinFlags
		wait  waitFlags
	)
	cmd := &cobra.Command{
		Use:   "update FROM TO",
		Short: "Pin an item with the options and peers of another",
		Long: `Pin update pins TO, a CID or a path, with the options and at the peers of FROM, the
CID of a pin. This is fast if the two have most of their content in common. FROM
stays pinned.`,
		Example: `  pinfleet pin update QmOld QmNew --name site-v2
  pinfleet pin update QmOld /ipns/docs.example.org --wait`,
		Args: exactly(2, "the CID of a pin and the item to pin"),
		RunE: a.connected(func(ctx context.Context, s *session, args []string) error {
			opts, err := flags.options(s.now())
			if err != nil {
				return err
			}
			from, err := decodeCid(args[0])
			if err != nil {
				return err
			}
			opts.PinUpdate = api.NewCid(from)
			return s.changePins(ctx, args[1:], "pinned", wait.until(api.TrackerStatusPinned), func(ctx context.Context, item string) (*api.Pin, error) {
				return s.pinPath(ctx, item, opts)
			})
		}),
	}
	cmd.Flags().StringVarP(&flags.name, "name", "n", "", "`name` of the new pin (default that of FROM)")
	flags.registerExpiry(cmd)
	wait.register(cmd)
	return cmd
}

// pinPath pins a CID or a path.
func (s *session) pinPath(ctx context.Context, item string, opts api.PinOptions) (*api.Pin, error) {
	if err := checkPath(item); err != nil {
		return nil, err
	}
	return s.client.PinPath(ctx, item, opts)
}

// checkPath returns an error if item is neither a CID nor a path.
func checkPath(item string) error {
	if _, err := path.NewPath(item); err == nil {
		return nil
	}
	if _, err := path.NewPath("/ipfs/" + item); err == nil {
		return nil
	}
	return exitcode.Usage("%q is neither a CID nor a path such as /ipns/example.org", item)
}

// changePins calls change for each item and prints the pins. With --wait, it prints
// their status instead, as they reach the target.
func (s *session) changePins(ctx context.Context, args []string, done string, wait waiting, change func(context.Context, string) (*api.Pin, error)) error {
	items, err := s.items(ctx, args)
	if err != nil {
		return err
	}
	pins := s.pinTable()
	pins.table.AtOnce(output.LongCID)
	var changed []*api.Pin
	err = s.newBatch(len(items), done).each(ctx, items, func(ctx context.Context, item string) error {
		pin, err := change(ctx, item)
		switch {
		case err != nil:
			return err
		case wait.wanted:
			changed = append(changed, pin)
			return nil
		}
		return pins.row(pin)
	})
	if ended := pins.End(); ended != nil {
		return ended
	}
	if len(changed) == 0 || exitcode.Of(err) != exitcode.Done && exitcode.Of(err) != exitcode.Partly {
		return err
	}
	return errors.Join(err, wait.forPins(ctx, s, changed))
}
