package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
	"github.com/pinfleet/pinfleet/pinset"
)

func (a *app) auditCommand() *cobra.Command {
	var summary bool
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Find pins that are not where they should be",
		Long: `Audit prints every pin that fewer peers hold than should, that peers report errors
about, that is allocated to peers that are gone, or that has expired. It prints
nothing if all is well. With --summary it counts the items by status, peer and age.
Pinfleet repair mends what audit finds.`,
		Example: `  pinfleet audit
  pinfleet audit --summary
  pinfleet audit --json | jq -r .info.cid`,
		Args: noArgs,
		RunE: a.connected(func(ctx context.Context, s *session, _ []string) error {
			if summary {
				return s.summary(ctx)
			}
			return s.audit(ctx)
		}),
	}
	cmd.Flags().BoolVar(&summary, "summary", false, "print only numbers")
	return cmd
}

// finding is the JSON form of a pinset.Finding.
type finding struct {
	Reasons []string           `json:"reasons"`
	Pinned  int                `json:"pinned"`
	Need    int                `json:"need"`
	Gone    []peer.ID          `json:"gone,omitempty"`
	Info    *api.GlobalPinInfo `json:"info"`
}

func (s *session) audit(ctx context.Context) error {
	table := s.out.Table("CID", "NAME", "WRONG", "PINNED", "ERROR")
	for f, err := range pinset.Audit(ctx, s.client) {
		if err != nil {
			return errors.Join(err, table.End())
		}
		reasons := f.Reasons.String()
		doc := finding{Reasons: strings.Split(reasons, ", "), Pinned: f.Pinned, Need: f.Need, Gone: f.Gone, Info: f.Info}
		pinned := fmt.Sprintf("%d of %d", f.Pinned, f.Need)
		if err := table.Row(doc, output.Text(f.Info.Cid.String()), output.Text(f.Info.Name), output.Bad(reasons), output.Text(pinned), output.Bad(firstError(f.Info))); err != nil {
			return err
		}
	}
	return table.End()
}

// pinsetSummary is the JSON form of a pinset.Summary.
type pinsetSummary struct {
	Items    int                       `json:"items"`
	Statuses map[string]int            `json:"statuses"`
	Peers    map[string]map[string]int `json:"peers"`
}

func (s *session) summary(ctx context.Context) error {
	sum, err := pinset.Summarize(ctx, s.client)
	switch {
	case err != nil:
		return err
	case !s.out.JSON:
		return s.out.Text(strings.TrimRight(sum.String(), "\n") + "\n")
	}
	doc := pinsetSummary{Items: sum.Items, Statuses: counts(sum.Statuses), Peers: make(map[string]map[string]int)}
	for id, p := range sum.Peers {
		doc.Peers[id] = counts(p.Statuses)
	}
	return s.out.Document(doc)
}

// counts returns a map whose keys are the names of statuses.
func counts[K interface {
	comparable
	fmt.Stringer
}](in map[K]int) map[string]int {
	out := make(map[string]int, len(in))
	for key, n := range in {
		out[key.String()] = n
	}
	return out
}

func (a *app) repairCommand() *cobra.Command {
	var flags bulkFlags
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Mend what audit finds, and wait until it is mended",
		Long: `Repair makes peers try again where they failed, and pins items anew that are allocated
to peers that are gone. Then it waits until enough peers hold each item, at most
--timeout, and prints its status. Items that cannot be mended are reported.`,
		Example: `  pinfleet repair --timeout 1h`,
		Args:    noArgs,
		RunE: a.connected(func(ctx context.Context, s *session, _ []string) error {
			opts, err := flags.options()
			if err != nil {
				return err
			}
			table := s.statusTable()
			table.atOnce = true
			err = each(s.newBulk("mended"), pinset.Repair(ctx, s.client, pinset.Audit(ctx, s.client), opts...), table.row)
			if ended := table.End(); ended != nil {
				return ended
			}
			return err
		}),
	}
	flags.register(cmd)
	return cmd
}
