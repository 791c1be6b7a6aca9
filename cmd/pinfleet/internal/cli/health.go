package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
	"github.com/pinfleet/pinfleet/lbclient"
)

func (a *app) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Ask each address of the cluster whether its API answers",
		Long: `Health asks every address, or that of --peer, whether the API answers there. It does
not look at IPFS daemons. Exit status: 0 if all answer, 5 if some do, 1 if none does.`,
		Example: `  pinfleet health
  pinfleet health --peer 10.0.0.2 --timeout 2s`,
		Args: noArgs,
		RunE: a.connected(func(ctx context.Context, s *session, _ []string) error { return s.health(ctx) }),
	}
}

// endpointHealth is the JSON form of what health prints about an address.
type endpointHealth struct {
	Endpoint string `json:"endpoint"`
	Healthy  bool   `json:"healthy"`
	Millis   int64  `json:"ms"`
	Error    string `json:"error,omitempty"`
}

func (s *session) health(ctx context.Context) error {
	var endpoints []string
	for _, e := range s.client.Endpoints() {
		if s.endpoint == "" || s.endpoint == e.Endpoint {
			endpoints = append(endpoints, e.Endpoint)
		}
	}
	results := make([]chan endpointHealth, len(endpoints))
	for i, name := range endpoints {
		results[i] = make(chan endpointHealth, 1)
		go func() { results[i] <- s.askHealth(ctx, name) }()
	}
	table := s.out.Table("ADDRESS", "STATE", "ERROR", "TIME")
	healthy := 0
	for _, result := range results {
		h := <-result
		state := output.Bad("down")
		if h.Healthy {
			healthy++
			state = output.Good("up")
		}
		if err := table.Row(h, output.Text(h.Endpoint), state, output.Bad(h.Error), output.Text(fmt.Sprintf("%d ms", h.Millis))); err != nil {
			return err
		}
	}
	if err := table.End(); err != nil {
		return err
	}
	switch healthy {
	case len(endpoints):
		return nil
	case 0:
		return &exitcode.Error{Code: exitcode.Failed, Err: fmt.Errorf("none of the %d addresses answers: see pinfleet doctor", len(endpoints))}
	}
	return &exitcode.Error{Code: exitcode.Partly, Err: fmt.Errorf("%d of %d addresses do not answer: see pinfleet doctor", len(endpoints)-healthy, len(endpoints))}
}

func (s *session) askHealth(ctx context.Context, endpoint string) endpointHealth {
	began := time.Now()
	err := s.client.Health(lbclient.WithEndpoint(ctx, endpoint))
	h := endpointHealth{Endpoint: endpoint, Healthy: err == nil, Millis: time.Since(began).Milliseconds()}
	if err != nil {
		h.Error = reason(err)
	}
	return h
}
