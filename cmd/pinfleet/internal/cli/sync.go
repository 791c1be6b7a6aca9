package cli

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/settings"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/strategy"
)

// defaultMaxDelete is the default of --max-delete.
const defaultMaxDelete = 100 * pinset.DefaultMaxDelete

// syncFlags are the flags of sync.
type syncFlags struct {
	from        string
	fromContext string
	apply       bool
	remove      bool
	maxDelete   float64
	bulkFlags
}

func (a *app) syncCommand() *cobra.Command {
	var (
		flags syncFlags
		pin   pinFlags
	)
	cmd := &cobra.Command{
		Use:   "sync FILE|- | --from ADDRESSES | --from-context NAME",
		Short: "Make the pinset what a file or another cluster says",
		Long: `Sync compares the pinset with a source: a file in one of the forms of pinfleet import,
or another cluster. It prints what is missing, what has different options, and what
is extra.

With --apply, it pins what is missing or different. With --apply --delete, it also
unpins what is extra, unless that is more than --max-delete percent of the pinset, or
there was an error. To continue an interrupted sync, run it again: what is right
already costs nothing.`,
		Example: `  pinfleet sync backup.ndjson                        # only shows the differences
  pinfleet sync backup.ndjson --apply --delete
  pinfleet sync --from-context old --context new --apply
  pinfleet sync cids.txt --replication 2 --apply --delete --max-delete 20`,
		RunE: a.connected(func(ctx context.Context, s *session, args []string) error {
			defaults, err := pin.options(s.now())
			if err != nil {
				return err
			}
			source, end, err := s.syncSource(ctx, args, &flags, defaults)
			if err != nil {
				return err
			}
			defer end()
			return s.sync(ctx, source, &flags)
		}),
	}
	set := cmd.Flags()
	set.StringVar(&flags.from, "from", "", "comma-separated `addresses` of the cluster that is the source")
	set.StringVar(&flags.fromContext, "from-context", "", "`name` of the context of the cluster that is the source")
	set.BoolVar(&flags.apply, "apply", false, "make the changes")
	set.BoolVar(&flags.remove, "delete", false, "with --apply, unpin what the source does not have")
	set.Float64Var(&flags.maxDelete, "max-delete", defaultMaxDelete, "with --delete, the largest `percentage` of the pinset to unpin")
	flags.register(cmd)
	pin.register(cmd)
	_ = cmd.RegisterFlagCompletionFunc("from-context", a.completeContexts)
	return cmd
}

// syncSource returns the pins that the cluster should have, and a function that
// releases the source.
func (s *session) syncSource(ctx context.Context, args []string, flags *syncFlags, defaults api.PinOptions) (iter.Seq2[*api.Pin, error], func(), error) {
	given := len(args)
	for _, text := range []string{flags.from, flags.fromContext} {
		if text != "" {
			given++
		}
	}
	if given != 1 {
		return nil, nil, exitcode.Usage("sync needs one source: a file, - for standard input, --from or --from-context")
	}
	if len(args) == 1 {
		f, err := s.open(ctx, args[0])
		if err != nil {
			return nil, nil, err
		}
		return pinset.Import(f, defaults), func() { f.Close() }, nil
	}
	if !defaults.Equals(api.PinOptions{}) {
		return nil, nil, exitcode.Usage("options of pins are for files: the pins of another cluster have their own")
	}
	source, err := s.otherCluster(flags)
	if err != nil {
		return nil, nil, err
	}
	ctx = lbclient.WithEndpoint(ctx, "") // --peer names a peer of the first cluster
	return source.Allocations(ctx, api.AllType), func() { source.Close() }, nil
}

// otherCluster opens a client of the cluster that is the source. The flags and the
// environment are about the cluster to change, and so are the credentials there.
func (s *session) otherCluster(flags *syncFlags) (*lbclient.Client, error) {
	from := &settings.Settings{Strategy: &strategy.Failover{}, Retries: settings.DefaultRetries}
	var err error
	if flags.from != "" {
		if from.Configs, err = config.ParseAddrs(flags.from); err != nil {
			return nil, exitcode.Usage("--from: %w", err)
		}
	} else {
		file, err := s.file()
		if err != nil {
			return nil, err
		}
		if from, err = settings.Resolve(settings.Input{Context: flags.fromContext, Lookup: nothing, File: file}); err != nil {
			return nil, &exitcode.Error{Code: exitcode.WrongUse, Err: err}
		}
	}
	c, err := lbclient.NewFromConfigs(from.Strategy, from.Configs, from.Retries)
	if err != nil {
		return nil, &exitcode.Error{Code: exitcode.WrongUse, Err: err}
	}
	return c, nil
}

// change is the JSON form of a difference.
type change struct {
	Change string   `json:"change"`
	Pin    *api.Pin `json:"pin"`
}

// sync prints or makes the changes.
func (s *session) sync(ctx context.Context, source iter.Seq2[*api.Pin, error], flags *syncFlags) error {
	opts, err := flags.options()
	if err != nil {
		return err
	}
	switch {
	case flags.remove && !flags.apply:
		return exitcode.Usage("--delete needs --apply: without it, sync only shows the differences")
	case flags.maxDelete < 0 || flags.maxDelete > 100:
		return exitcode.Usage("--max-delete is a percentage from 0 to 100")
	case flags.maxDelete != defaultMaxDelete && !flags.remove:
		return exitcode.Usage("--max-delete needs --delete: without it, sync unpins nothing")
	}
	verb, run := "different", pinset.Diff
	if flags.apply {
		verb, run = "changed", pinset.Sync
		opts = append(opts, pinset.WithMaxDelete(flags.maxDelete/100))
		if flags.remove {
			opts = append(opts, pinset.WithDelete())
		}
	}
	b := s.newBulk(verb)
	if !flags.apply {
		s.progress = nil
	}
	counts := make(map[pinset.ChangeKind]int)
	table := s.out.Table("CHANGE", "CID", "NAME").AtOnce(pinset.Different.String(), output.LongCID)
	err = each(b, run(ctx, s.client, source, opts...), func(c *pinset.Change) error {
		counts[c.Kind]++
		return table.Row(change{c.Kind.String(), c.Pin}, changeCell(c.Kind), output.Text(c.Pin.Cid.String()), output.Text(c.Pin.Name))
	})
	if ended := table.End(); ended != nil {
		return ended
	}
	if err != nil {
		return err
	}
	return s.out.Line("%s", syncSummary(counts, flags))
}

func changeCell(kind pinset.ChangeKind) output.Cell {
	switch kind {
	case pinset.Missing:
		return output.Good(kind.String())
	case pinset.Extra:
		return output.Bad(kind.String())
	}
	return output.Busy(kind.String())
}

// syncSummary says how many differences there are, or what was done about them.
func syncSummary(counts map[pinset.ChangeKind]int, flags *syncFlags) string {
	var parts []string
	for _, kind := range []pinset.ChangeKind{pinset.Missing, pinset.Different, pinset.Extra} {
		if n := counts[kind]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	switch {
	case len(parts) == 0:
		return "nothing to change"
	case flags.apply:
		return "changed: " + strings.Join(parts, ", ")
	}
	return strings.Join(parts, ", ") + "; --apply pins what is missing or different, --apply --delete also unpins what is extra"
}
