package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/doctor"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
	"github.com/pinfleet/pinfleet/config"
)

func (a *app) doctorCommand() *cobra.Command {
	var opts doctor.Options
	var minFree int64
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out what is wrong with the cluster",
		Long: `Doctor asks each endpoint by itself: whether it can be reached, its certificate and the
credentials, its clock and version, the members that it sees, their IPFS daemons and
free space, the pins in error, and the proxies in front of it. It prints what is wrong,
why it matters and what to do.

The upload check adds a folder of 1.5 MiB of random bytes through each endpoint and
unpins it; --read-only leaves it out. The exit status is 1 if there is an error, and 0
if there are only warnings.`,
		Example: `  pinfleet doctor
  pinfleet doctor --read-only --json | jq -r .id
  pinfleet doctor --peer 10.0.0.2`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := a.within(cmd.Context())
			defer cancel()
			if minFree < 0 {
				return exitcode.Usage("--min-free must be at least 0")
			}
			opts.MinFree = uint64(minFree)
			return a.examine(ctx, opts)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&opts.ReadOnly, "read-only", false, "do not add anything")
	flags.DurationVar(&opts.Timeout, "check-timeout", doctor.DefaultTimeout, "`time` for each answer")
	flags.DurationVar(&opts.MaxSkew, "max-skew", doctor.DefaultMaxSkew, "difference of clocks that is not reported")
	flags.DurationVar(&opts.MinValidity, "min-validity", doctor.DefaultMinValidity, "`time` before the end of a certificate from which it is reported")
	flags.Int64Var(&minFree, "min-free", doctor.DefaultMinFree, "`bytes` of free space below which a disk is reported")
	return cmd
}

// examine examines the endpoints and prints what is wrong.
func (a *app) examine(ctx context.Context, opts doctor.Options) error {
	s, err := a.settings()
	if err != nil {
		return &exitcode.Error{Code: exitcode.WrongUse, Err: err}
	}
	cfgs, err := a.selected(s.Configs)
	if err != nil {
		return err
	}
	report, err := doctor.Run(ctx, cfgs, opts)
	out := a.printer()
	for _, f := range report.Findings {
		what := f.What
		if f.Endpoint != "" {
			what = f.Endpoint + ": " + what
		}
		mark := output.Busy
		if f.Severity == doctor.Error {
			mark = output.Bad
		}
		printed := out.Result(f, output.Field{Name: string(f.Severity), Value: mark(what)},
			output.Field{Name: "why", Value: output.Text(f.Why)},
			output.Field{Name: "do", Value: output.Text(f.Do)},
			output.Field{Name: "id", Value: output.Faint(string(f.ID))})
		if printed != nil {
			return printed
		}
		_ = out.Line("") // Flush returns the error
	}
	if err == nil {
		_ = out.Line("%s", report.Summary())
	}
	if flushed := out.Flush(); flushed != nil {
		return flushed
	}
	if err == nil && report.HasErrors() {
		return fmt.Errorf("%s: do what is said of each", report.Summary())
	}
	return err
}

// selected returns the configurations of the endpoints that --peer selects.
func (a *app) selected(cfgs []*config.Config) ([]*config.Config, error) {
	var some []*config.Config
	for _, cfg := range cfgs {
		if addr, err := cfg.Address(); a.peer == "" || err == nil && strings.Contains(addr.String(), a.peer) {
			some = append(some, cfg)
		}
	}
	if len(some) == 0 {
		return nil, exitcode.Usage("--peer %s is none of the cluster's addresses: write a part of one of them", a.peer)
	}
	return some, nil
}
