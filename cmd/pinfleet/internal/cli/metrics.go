package cli

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
)

func (a *app) metricsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "metrics [NAME]",
		Short: "Print the latest values of a metric, or the names of the metrics",
		Long: `Metrics prints the latest valid value that each peer has reported for a metric, such
as freespace or ping. Without a name it lists the names.`,
		Example: `  pinfleet metrics
  pinfleet metrics freespace
  pinfleet metrics ping --json`,
		Args: atMost(1, "one name"),
		RunE: a.connected(func(ctx context.Context, s *session, args []string) error {
			if len(args) == 0 {
				return s.metricNames(ctx)
			}
			return s.metrics(ctx, args[0])
		}),
	}
}

func (s *session) metricNames(ctx context.Context) error {
	names, err := s.client.MetricNames(ctx)
	if err != nil {
		return err
	}
	table := s.out.Table("METRIC")
	for _, name := range names {
		if err := table.Row(name, output.Text(name)); err != nil {
			return err
		}
	}
	return table.End()
}

func (s *session) metrics(ctx context.Context, name string) error {
	metrics, err := s.client.Metrics(ctx, name)
	if err != nil {
		return err
	}
	table := s.out.Table("PEER", "VALUE", "WEIGHT", "EXPIRES")
	for _, m := range metrics {
		left := time.Unix(0, m.Expire).Sub(s.now())
		expires := output.Text("in " + output.Duration(left))
		if !m.Valid || left <= 0 {
			expires = output.Bad("expired")
		}
		if err := table.Row(m, output.Text(m.Peer.String()), output.Text(metricValue(m)), output.Text(strconv.FormatInt(m.Weight, 10)), expires); err != nil {
			return err
		}
	}
	return table.End()
}

// metricValue returns the value of a metric for people. A ping has no value of
// interest: it holds a description of the peer.
func metricValue(m *api.Metric) string {
	if n, err := strconv.ParseFloat(m.Value, 64); err == nil && (m.Name == "freespace" || m.Name == "reposize") {
		return output.Bytes(n)
	}
	if strings.HasPrefix(m.Value, "{") {
		return ""
	}
	return m.Value
}

func (a *app) alertsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "alerts",
		Short: "List metrics that peers no longer report",
		Long:  `Alerts lists the expired metrics that the contacted peer has recorded, newest first. An expired ping means that a peer is gone.`,
		Example: `  pinfleet alerts
  pinfleet alerts --json | jq -r .peer`,
		Args: noArgs,
		RunE: a.connected(func(ctx context.Context, s *session, _ []string) error {
			alerts, err := s.client.Alerts(ctx)
			if err != nil {
				return err
			}
			table := s.out.Table("METRIC", "PEER", "AGE")
			for _, alert := range alerts {
				if err := table.Row(alert, output.Bad(alert.Name), output.Text(alert.Peer.String()), output.Text(output.Age(alert.TriggeredAt, s.now()))); err != nil {
					return err
				}
			}
			return table.End()
		}),
	}
}

func (a *app) bandwidthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "bandwidth",
		Short: "Print the libp2p traffic of the contacted peer by protocol",
		Long: `Bandwidth prints how much the contacted peer has received and sent since it started,
and how much it receives and sends per second, by protocol, largest first.`,
		Example: `  pinfleet bandwidth --peer 10.0.0.2`,
		Args:    noArgs,
		RunE: a.connected(func(ctx context.Context, s *session, _ []string) error {
			protocols, err := s.client.BandwidthByProtocol(ctx)
			if err != nil {
				return err
			}
			if s.out.JSON {
				return s.out.Document(protocols)
			}
			var names []string
			for name := range protocols {
				names = append(names, name)
			}
			slices.SortFunc(names, func(x, y string) int {
				a, b := protocols[x], protocols[y]
				return cmp.Or(cmp.Compare(b.TotalIn+b.TotalOut, a.TotalIn+a.TotalOut), cmp.Compare(x, y))
			})
			table := s.out.Table("PROTOCOL", "IN", "OUT", "IN/S", "OUT/S")
			for _, name := range names {
				b := protocols[name]
				if name == "" {
					name = "(other)"
				}
				cells := []output.Cell{output.Text(name)}
				for _, n := range []float64{float64(b.TotalIn), float64(b.TotalOut), b.RateIn, b.RateOut} {
					cells = append(cells, output.Text(output.Bytes(n)))
				}
				if err := table.Row(nil, cells...); err != nil {
					return err
				}
			}
			return table.End()
		}),
	}
}
