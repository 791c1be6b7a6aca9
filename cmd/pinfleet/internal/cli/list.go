package cli

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
)

// listCommand returns the command ls, which is also pin ls.
func (a *app) listCommand() *cobra.Command {
	var flags listFlags
	cmd := &cobra.Command{
		Use:   "ls [CID|- …]",
		Short: "List the pinset",
		Long: `Ls lists the pins of the shared pinset: what the peers should hold. Pinfleet status
says what they hold. Pins are printed as they arrive. With --sort, they are printed
at the end; together with --limit, only that number of pins is kept in memory.`,
		Example: `  pinfleet ls
  pinfleet ls --name 'site-*' --sort age --limit 10
  pinfleet ls --older-than 365d --quiet | pinfleet pin rm -
  pinfleet pin ls QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG --json`,
		RunE: a.connected(func(ctx context.Context, s *session, args []string) error {
			l, err := flags.listing(s.now())
			if err != nil {
				return err
			}
			return s.list(ctx, args, l)
		}),
	}
	flags.register(cmd)
	return cmd
}

// listFlags are the flags of a listing of pins.
type listFlags struct {
	types    string
	name     string
	metadata []string
	older    age
	newer    age
	expired  bool
	sort     string
	reverse  bool
	limit    int
	quiet    bool
}

func (f *listFlags) register(cmd *cobra.Command) {
	set := cmd.Flags()
	set.StringVar(&f.types, "type", "all", "comma-separated `types`: pin, meta-pin, clusterdag-pin, shard-pin or all")
	set.StringVar(&f.name, "name", "", "only pins whose name matches this `pattern`, such as 'site-*'")
	set.StringArrayVar(&f.metadata, "metadata", nil, "only pins with this `key` or key=value; can be repeated")
	set.Var(&f.older, "older-than", "only pins that were submitted longer ago than this `time`, such as 12h or 30d")
	set.Var(&f.newer, "newer-than", "only pins that were submitted within the last `time`, such as 12h or 30d")
	set.BoolVar(&f.expired, "expired", false, "only pins that have expired")
	set.StringVar(&f.sort, "sort", "", "sort by `name`, age, expiry or cid (default as the pins arrive)")
	set.BoolVar(&f.reverse, "reverse", false, "sort the other way round")
	set.IntVar(&f.limit, "limit", 0, "print at most this `number` of pins (default all)")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "print only the CIDs")
	_ = cmd.RegisterFlagCompletionFunc("sort", cobra.FixedCompletions([]string{"name", "age", "expiry", "cid"}, cobra.ShellCompDirectiveNoFileComp))
}

// listing describes which pins are listed, and in which order.
type listing struct {
	types   api.PinType
	wanted  func(*api.Pin) bool
	compare func(a, b *api.Pin) int // nil means as they arrive
	limit   int                     // 0 means all
	quiet   bool
}

// listing returns the listing that the flags describe.
func (f *listFlags) listing(now time.Time) (*listing, error) {
	l := &listing{limit: f.limit, quiet: f.quiet, wanted: func(p *api.Pin) bool { return f.match(p, now) }}
	for name := range strings.SplitSeq(f.types, ",") {
		t := api.PinTypeFromString(name)
		if t == api.BadType || name == "" {
			return nil, exitcode.Usage("--type: unknown type %q: use pin, meta-pin, clusterdag-pin, shard-pin or all", name)
		}
		l.types |= t
	}
	if _, err := path.Match(f.name, ""); err != nil {
		return nil, exitcode.Usage("--name %s is not a pattern: %w", f.name, err)
	}
	if f.limit < 0 {
		return nil, exitcode.Usage("--limit must be at least 1")
	}
	switch f.sort {
	case "":
		if f.reverse {
			return nil, exitcode.Usage("--reverse needs --sort")
		}
		return l, nil
	case "name":
		l.compare = func(a, b *api.Pin) int { return cmp.Compare(a.Name, b.Name) }
	case "age":
		l.compare = func(a, b *api.Pin) int { return b.Timestamp.Compare(a.Timestamp) }
	case "expiry":
		l.compare = func(a, b *api.Pin) int { return expiry(a).Compare(expiry(b)) }
	case "cid":
		l.compare = func(*api.Pin, *api.Pin) int { return 0 }
	default:
		return nil, exitcode.Usage("--sort %s: use name, age, expiry or cid", f.sort)
	}
	by := l.compare
	l.compare = func(a, b *api.Pin) int {
		order := cmp.Or(by(a, b), cmp.Compare(a.Cid.String(), b.Cid.String()))
		if f.reverse {
			return -order
		}
		return order
	}
	return l, nil
}

// expiry returns the time at which a pin expires. One that never expires comes last.
func expiry(p *api.Pin) time.Time {
	if p.ExpireAt.IsZero() || p.ExpireAt.Equal(time.Unix(0, 0)) {
		return time.Unix(1<<50, 0)
	}
	return p.ExpireAt
}

// match reports whether the flags select a pin.
func (f *listFlags) match(p *api.Pin, now time.Time) bool {
	if f.name != "" {
		if ok, err := path.Match(f.name, p.Name); !ok || err != nil {
			return false
		}
	}
	for _, entry := range f.metadata {
		key, value, exact := strings.Cut(entry, "=")
		if got, ok := p.Metadata[key]; !ok || exact && got != value {
			return false
		}
	}
	switch {
	case f.older > 0 && now.Sub(p.Timestamp) < time.Duration(f.older):
		return false
	case f.newer > 0 && now.Sub(p.Timestamp) > time.Duration(f.newer):
		return false
	case f.expired && !p.ExpiredAt(now):
		return false
	}
	return true
}

// list prints the pins of the given CIDs, or else of the whole pinset.
func (s *session) list(ctx context.Context, args []string, l *listing) error {
	table := s.pinTable()
	table.quiet = l.quiet
	if len(args) > 0 {
		return s.listSome(ctx, args, l, table)
	}
	var kept []*api.Pin
	printed := 0
	for pin, err := range s.client.Allocations(ctx, l.types) {
		switch {
		case err != nil:
			return errors.Join(err, table.End())
		case !l.wanted(pin):
			continue
		case l.compare != nil:
			kept = l.keep(kept, pin)
			continue
		}
		if err := table.row(pin); err != nil {
			return err
		}
		if printed++; printed == l.limit {
			break
		}
	}
	slices.SortFunc(kept, l.compare)
	for pin := range l.first(kept) {
		if err := table.row(pin); err != nil {
			return err
		}
	}
	return table.End()
}

// keep adds a pin. It drops those that are beyond the limit from time to time.
func (l *listing) keep(kept []*api.Pin, pin *api.Pin) []*api.Pin {
	kept = append(kept, pin)
	if l.limit > 0 && len(kept) >= 2*l.limit+1000 {
		slices.SortFunc(kept, l.compare)
		clear(kept[l.limit:])
		kept = kept[:l.limit]
	}
	return kept
}

// first yields as many of the sorted pins as the limit allows.
func (l *listing) first(kept []*api.Pin) iter.Seq[*api.Pin] {
	if l.limit > 0 {
		kept = kept[:min(len(kept), l.limit)]
	}
	return slices.Values(kept)
}

// listSome prints the pins of the given CIDs.
func (s *session) listSome(ctx context.Context, args []string, l *listing, table *pinTable) error {
	cids, err := s.cids(ctx, args)
	if err != nil {
		return err
	}
	b := s.newBatch(len(cids), "found")
	for _, ci := range cids {
		pin, err := s.client.Allocation(ctx, ci)
		if err == nil && l.wanted(pin) {
			err = table.row(pin)
		}
		if err := b.record(ci.String(), err); err != nil {
			return errors.Join(err, table.End())
		}
	}
	return errors.Join(table.End(), b.err())
}
