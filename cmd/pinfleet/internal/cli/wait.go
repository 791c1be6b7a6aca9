package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
)

// waitFlags are the flags of a command that can wait for what it has started.
type waitFlags struct {
	wait     bool
	limit    int
	interval time.Duration
}

func (f *waitFlags) register(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&f.wait, "wait", "w", false, "wait until the peers have done it, at most --timeout, and print the status")
	f.registerLimits(cmd)
}

func (f *waitFlags) registerLimits(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.limit, "wait-limit", 0, "wait for this `number` of peers (default the pin's smallest number of peers)")
	cmd.Flags().DurationVar(&f.interval, "wait-interval", client.DefaultCheckFreq, "`time` between two looks at the status")
}

// until returns the wait for a status that the flags ask for.
func (f *waitFlags) until(target api.TrackerStatus) waiting {
	return waiting{wanted: f.wait, params: client.StatusFilterParams{Target: target, Limit: f.limit, CheckFreq: f.interval}}
}

// waiting is a wait for pins.
type waiting struct {
	wanted bool
	params client.StatusFilterParams
}

// forPins waits until every pin has reached the target at as many peers as the pin
// needs, and prints the status of each.
func (w waiting) forPins(ctx context.Context, s *session, pins []*api.Pin) error {
	groups := make(map[int][]cid.Cid) // by number of peers
	for _, pin := range pins {
		limit := w.params.Limit
		if limit == 0 && w.params.Target == api.TrackerStatusPinned {
			limit = max(0, pin.ReplicationFactorMin)
		}
		groups[limit] = append(groups[limit], pin.Cid.Cid)
	}
	var errs []error
	for _, limit := range slices.Sorted(maps.Keys(groups)) {
		w.params.Limit = limit
		errs = append(errs, w.forCids(ctx, s, groups[limit]))
	}
	return errors.Join(errs...)
}

// forCids waits until every CID has reached the target, and prints its status.
func (w waiting) forCids(ctx context.Context, s *session, cids []cid.Cid) error {
	b := s.newBatch(len(cids), w.params.Target.String())
	table := s.statusTable()
	table.atOnce = true
	for info, err := range client.WaitForAll(ctx, s.client, cids, w.params) {
		item := ""
		var lost *client.StatusError
		switch {
		case errors.As(err, &lost) && lost.Info != nil:
			item = lost.Info.Cid.String()
		case err != nil:
			return errors.Join(err, table.End())
		default:
			err = table.row(info)
		}
		if err := b.record(item, err); err != nil {
			return errors.Join(err, table.End())
		}
	}
	return errors.Join(b.err(), table.End())
}

func (a *app) waitCommand() *cobra.Command {
	var (
		flags  waitFlags
		target string
		local  bool
	)
	cmd := &cobra.Command{
		Use:   "wait CID|- …",
		Short: "Wait until items are pinned",
		Long: `Wait prints the status of each item as soon as it is pinned at all peers that should
pin it, or has the status that --for names. It fails for an item if a peer reports an
error. Without --timeout it waits as long as it takes.`,
		Example: `  pinfleet wait QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG --timeout 10m
  pinfleet wait - --wait-limit 2 < cids.txt
  pinfleet wait QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG --for unpinned`,
		Args: atLeast(1, "a CID"),
		RunE: a.connected(func(ctx context.Context, s *session, args []string) error {
			cids, err := s.cids(ctx, args)
			if err != nil {
				return err
			}
			status, err := statusFilter("--for", target)
			if err != nil {
				return err
			}
			if err := s.checkLocal(local); err != nil {
				return err
			}
			w := flags.until(status)
			w.params.Local = local
			return w.forCids(ctx, s, cids)
		}),
	}
	cmd.Flags().StringVar(&target, "for", api.TrackerStatusPinned.String(), "comma-separated `statuses` to wait for")
	cmd.Flags().BoolVar(&local, "local", false, localUsage)
	flags.registerLimits(cmd)
	a.completeStatus(cmd, "for")
	return cmd
}

const localUsage = "ask only the contacted peer about itself"

// checkLocal returns an error for --local if several peers could be asked.
func (s *session) checkLocal(local bool) error {
	if local && s.endpoint == "" && len(s.settings.Configs) > 1 {
		return exitcode.Usage("--local is about one peer: say with --peer which one")
	}
	return nil
}

// statusFilter parses comma-separated statuses.
func statusFilter(flag, text string) (api.TrackerStatus, error) {
	status := api.TrackerStatusUndefined
	for name := range strings.SplitSeq(text, ",") {
		one := api.TrackerStatusFromString(name)
		if one == api.TrackerStatusUndefined {
			return 0, exitcode.Usage("%s: unknown status %q: use %s", flag, name, strings.Join(statusNames(), ", "))
		}
		status |= one
	}
	return status, nil
}

func statusNames() []string {
	var names []string
	for _, status := range api.TrackerStatusAll() {
		names = append(names, status.String())
	}
	return names
}

// completeStatus makes shells offer the statuses for a flag.
func (a *app) completeStatus(cmd *cobra.Command, flag string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(statusNames(), cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(fmt.Sprintf("completion of --%s: %v", flag, err)) // there is no such flag
	}
}
