package cli

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
)

func (a *app) statusCommand() *cobra.Command {
	var (
		filter   string
		local    bool
		long     bool
		quiet    bool
		watch    bool
		interval time.Duration
	)
	cmd := &cobra.Command{
		Use:   "status [CID|- …]",
		Short: "Print which peers have pinned which items",
		Long: `Status prints the status of the given items, or of the whole pinset. For a single
item, and with --long, each peer has a line of its own. With --watch, status then
goes on and prints each change, until Ctrl-C.`,
		Example: `  pinfleet status
  pinfleet status QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG
  pinfleet status --filter error,pin_queued --long
  pinfleet status --watch --interval 10s
  pinfleet status --local --peer 10.0.0.2 --json`,
		RunE: a.connected(func(ctx context.Context, s *session, args []string) error {
			cids, err := s.cids(ctx, args)
			if err != nil {
				return err
			}
			q := statusQuery{cids: cids, local: local}
			switch {
			case filter != "" && len(cids) > 0:
				return exitcode.Usage("--filter is for the whole pinset: drop it, or the CIDs")
			case filter != "":
				if q.filter, err = statusFilter("--filter", filter); err != nil {
					return err
				}
			case watch && interval <= 0:
				return exitcode.Usage("--interval must be positive")
			}
			if err := s.checkLocal(local); err != nil {
				return err
			}
			if watch {
				return s.watch(ctx, q, interval)
			}
			table := s.statusTable()
			table.long = long || len(cids) == 1
			table.quiet = quiet
			return s.printStatus(ctx, q, table)
		}),
	}
	set := cmd.Flags()
	set.StringVar(&filter, "filter", "", "only items and peers with one of these comma-separated `statuses`")
	set.BoolVar(&local, "local", false, localUsage)
	set.BoolVarP(&long, "long", "l", false, "print a line for each peer")
	set.BoolVarP(&quiet, "quiet", "q", false, "print only the CIDs")
	set.BoolVar(&watch, "watch", false, "print changes as they happen")
	set.DurationVar(&interval, "interval", 2*time.Second, "`time` between two looks, with --watch")
	a.completeStatus(cmd, "filter")
	return cmd
}

// statusQuery is what to ask the cluster about.
type statusQuery struct {
	cids   []cid.Cid // none means the whole pinset
	filter api.TrackerStatus
	local  bool
}

// list returns the status of each item.
func (q statusQuery) list(ctx context.Context, s *session) iter.Seq2[*api.GlobalPinInfo, error] {
	switch len(q.cids) {
	case 0:
		return s.client.StatusAll(ctx, q.filter, q.local)
	case 1:
		return func(yield func(*api.GlobalPinInfo, error) bool) {
			yield(s.client.Status(ctx, q.cids[0], q.local))
		}
	}
	return s.client.StatusCids(ctx, q.cids, q.local)
}

func (s *session) printStatus(ctx context.Context, q statusQuery, table *statusTable) error {
	for info, err := range q.list(ctx, s) {
		if err == nil {
			err = table.row(info)
		}
		if err != nil {
			return errors.Join(err, table.End())
		}
	}
	return table.End()
}
