package cli

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/settings"
)

// commands returns all commands, in the order of the documentation.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.addCommand(),
		a.pinCommand(),
		a.listCommand(),
		a.statusCommand(),
		a.waitCommand(),
		a.recoverCommand(),
		a.syncCommand(),
		a.exportCommand(),
		a.importCommand(),
		a.auditCommand(),
		a.repairCommand(),
		a.peersCommand(),
		a.idCommand(),
		a.versionCommand(),
		a.healthCommand(),
		a.graphCommand(),
		a.metricsCommand(),
		a.alertsCommand(),
		a.bandwidthCommand(),
		a.gcCommand(),
		a.tokenCommand(),
		a.doctorCommand(),
		a.topCommand(),
		a.contextCommand(),
		a.devCommand(),
		a.completionCommand(),
	}
}

func (a *app) rootCommand() *cobra.Command {
	root := a.group("pinfleet", "Operate an IPFS Cluster", a.commands()...)
	root.Long = `Pinfleet operates an IPFS Cluster through the REST API of its peers. It uses any
number of peers, and goes on at another one when a peer fails.

The cluster is at --cluster, or else at PINFLEET_API, or else where the current
context of the configuration file says (pinfleet context), or else at
/ip4/127.0.0.1/tcp/9094. Credentials come from PINFLEET_BASIC_AUTH or
PINFLEET_TOKEN, from the context, or from --basic-auth or --token. Each setting has
an environment variable and a key in a context: those of --ca-file are
PINFLEET_CA_FILE and ca_file.

Exit status: 0 done, 1 failed, 2 wrong use, 3 not found, 4 credentials refused,
5 partly done, 6 timed out, 130 interrupted.`
	root.Example = `  pinfleet dev                                      # a cluster to try things with
  pinfleet add --name site ./site
  pinfleet status
  pinfleet --cluster /dns4/a.example/tcp/9094/https,/dns4/b.example/tcp/9094/https peers ls`
	root.Version = version()
	root.SetVersionTemplate("{{.Version}}\n")
	root.SilenceErrors = true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SilenceUsage = true
	unknown := root.RunE
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return unknown(cmd, args)
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return exitcode.Usage("%w: see %s --help", err, cmd.CommandPath())
	})
	root.PersistentPreRun = func(*cobra.Command, []string) { a.started = true }

	flags := root.PersistentFlags()
	a.connection = settings.Register(flags)
	flags.StringVar(&a.context, "context", "", "`name` of the context to use from the configuration file")
	flags.StringVar(&a.peer, "peer", "", "call only this peer: the `name` is its address or a part of it")
	flags.DurationVar(&a.timeout, "timeout", 0, "end the command after this `time`, such as 30s (default no limit)")
	flags.BoolVar(&a.json, "json", false, "print one JSON document per line, as the API has them")
	flags.BoolVar(&a.debug, "debug", false, "log retries, ejected peers and the like to standard error")
	flags.SortFlags = false
	root.Flags().SortFlags = false
	root.SetUsageTemplate(usageTemplate)
	a.completeFlags(root)
	return root
}

// usageTemplate is cobra's, except that only the help of pinfleet itself lists the
// flags of all commands.
const usageTemplate = `Usage:{{if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND{{else}}
  {{.UseLine}}{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasParent}}

pinfleet --help lists the flags of all commands, such as --cluster and --json.{{end}}
`

// completeFlags sets the values that a shell offers for the flags of all commands.
func (a *app) completeFlags(root *cobra.Command) {
	complete := func(flag string, values func() []string) {
		err := root.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return values(), cobra.ShellCompDirectiveNoFileComp
		})
		if err != nil {
			panic(fmt.Sprintf("completion of --%s: %v", flag, err)) // there is no such flag
		}
	}
	complete("strategy", settings.StrategyNames)
	complete("context", a.contextNames)
}

// contextNames returns the names in the configuration file, or none if it cannot be read.
func (a *app) contextNames() []string {
	file, err := settings.ReadFile(settings.Path(a.lookup))
	if err != nil {
		return nil
	}
	return file.Names()
}

// version returns the version of this program, as far as the build has recorded it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
