package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
)

func (a *app) gcCommand() *cobra.Command {
	var local bool
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Collect garbage on the IPFS daemons",
		Long: `Gc removes the blocks that no pin needs from the IPFS daemons of all peers, or only of
the contacted one. It can take hours. Once it may have begun, it is not tried again at
another peer, so that no second collection follows.`,
		Example: `  pinfleet gc
  pinfleet gc --local --peer 10.0.0.2`,
		Args: noArgs,
		RunE: a.connected(func(ctx context.Context, s *session, _ []string) error {
			if err := s.checkLocal(local); err != nil {
				return err
			}
			report, err := s.client.RepoGC(ctx, local)
			if err != nil {
				return err
			}
			return s.printGC(report)
		}),
	}
	cmd.Flags().BoolVar(&local, "local", false, "only on the IPFS daemon of the contacted peer")
	return cmd
}

func (s *session) printGC(report *api.GlobalRepoGC) error {
	table := s.out.Table("PEER", "REMOVED", "FAILED", "ERROR")
	failed := 0
	for _, id := range slices.SortedFunc(maps.Keys(report.PeerMap), func(a, b string) int {
		return cmp.Or(cmp.Compare(report.PeerMap[a].Peername, report.PeerMap[b].Peername), cmp.Compare(a, b))
	}) {
		p := report.PeerMap[id]
		wrong := 0
		for _, key := range p.Keys {
			if key.Error != "" {
				wrong++
			}
		}
		if p.Error != "" || wrong > 0 {
			failed++
		}
		if s.out.JSON {
			continue
		}
		name := p.Peername
		if name == "" {
			name = id
		}
		if err := table.Row(nil, output.Text(name), output.Number(len(p.Keys)-wrong+p.Omitted), output.Number(wrong), output.Bad(p.Error)); err != nil {
			return err
		}
	}
	if s.out.JSON {
		if err := s.out.Document(report); err != nil {
			return err
		}
	}
	if err := table.End(); err != nil {
		return err
	}
	switch {
	case failed == 0:
		return nil
	case failed == len(report.PeerMap):
		return &exitcode.Error{Code: exitcode.Failed, Err: fmt.Errorf("no peer could collect its garbage: look at their IPFS daemons")}
	}
	return &exitcode.Error{Code: exitcode.Partly, Err: fmt.Errorf("%d of %d peers could not collect their garbage: look at their IPFS daemons", failed, len(report.PeerMap))}
}
