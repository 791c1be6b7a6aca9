package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/top"
	"github.com/pinfleet/pinfleet/lbclient"
)

// sampleTimeout limits the calls of a sample of top.
const sampleTimeout = 5 * time.Second

func (a *app) topCommand() *cobra.Command {
	var opts top.Options
	observer := top.NewObserver(time.Now)
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Watch the endpoints and the pins live",
		Long: `Top shows each endpoint with its state and the latency of a small call to it, the
number of pins by status, and events such as the ejection of an endpoint. It also makes
calls that the strategy distributes, and shows the share of each endpoint in them. It
needs a terminal. The key q ends it.

All pins are listed at most every --pins-interval, and for at most a tenth of the time.`,
		Example: `  pinfleet top
  pinfleet top --strategy leastloaded --interval 500ms`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !output.IsTerminal(a.stdin) || !output.IsTerminal(a.stdout) {
				return exitcode.Usage("top needs a terminal: in a script, use pinfleet health, pinfleet status --json or pinfleet doctor --json")
			}
			if opts.Interval <= 0 || opts.PinsInterval <= 0 {
				return exitcode.Usage("--interval and --pins-interval must be more than 0")
			}
			return a.connected(func(ctx context.Context, s *session, _ []string) error {
				return s.top(ctx, observer, opts)
			}, lbclient.WithHooks(observer))(cmd, args)
		},
	}
	cmd.Flags().DurationVar(&opts.Interval, "interval", time.Second, "`time` between two looks at the endpoints")
	cmd.Flags().DurationVar(&opts.PinsInterval, "pins-interval", 10*time.Second, "`time` between two lists of all pins")
	return cmd
}

// top shows the cluster until the user quits.
func (s *session) top(ctx context.Context, observer *top.Observer, opts top.Options) error {
	n := len(s.client.Endpoints())
	opts.Title = fmt.Sprintf("pinfleet top · %d endpoints", n)
	if n == 1 {
		opts.Title = "pinfleet top · 1 endpoint"
	}
	var env []string
	for _, name := range []string{"TERM", "TERM_PROGRAM", "COLORTERM", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TMUX", "STY", "SSH_TTY", "WT_SESSION"} {
		if value, ok := s.lookup(name); ok {
			env = append(env, name+"="+value)
		}
	}
	sampler := &top.Sampler{Client: s.client, Observer: observer, Timeout: sampleTimeout, Now: time.Now}
	err := top.Run(ctx, sampler, opts, s.stdin, s.stdout, env)
	if errors.Is(err, tea.ErrInterrupted) {
		return exitcode.ErrInterrupted
	}
	return err
}
