package cli

import (
	"errors"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/settings"
)

func (a *app) contextCommand() *cobra.Command {
	return a.group("context", "Store where clusters are, under names", a.contextLsCommand(), a.contextUseCommand(),
		a.contextSetCommand(), a.contextShowCommand(), a.contextRmCommand())
}

// edit reads the configuration file, changes it and writes it.
func (a *app) edit(change func(f *settings.File) error) error {
	file, err := a.file()
	if err != nil {
		return err
	}
	if err := change(file); err != nil {
		return err
	}
	return file.Write()
}

// editContext is edit for a change of a context that must exist.
func (a *app) editContext(name string, change func(f *settings.File)) error {
	return a.edit(func(f *settings.File) error {
		if _, err := contextOf(f, name); err != nil {
			return err
		}
		change(f)
		return nil
	})
}

func (a *app) file() (*settings.File, error) {
	file, err := settings.ReadFile(settings.Path(a.lookup))
	if err != nil {
		return nil, &exitcode.Error{Code: exitcode.WrongUse, Err: err}
	}
	return file, nil
}

// contextOf returns the settings of a context, which must exist.
func contextOf(f *settings.File, name string) (settings.Values, error) {
	values, err := f.Context(name)
	if err != nil {
		return nil, &exitcode.Error{Code: exitcode.NotFound, Err: err}
	}
	return values, nil
}

// contextInfo is the JSON form of a context. Secrets are masked.
type contextInfo struct {
	Name     string          `json:"name"`
	Current  bool            `json:"current"`
	Settings settings.Values `json:"settings"`
}

func (a *app) contextLsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "ls",
		Short:   "List the contexts",
		Long:    `Context ls lists the contexts of the configuration file. The one in use is marked by a star.`,
		Example: `  pinfleet context ls`,
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			file, err := a.file()
			if err != nil {
				return err
			}
			table := a.printer().Table("", "NAME", "CLUSTER")
			for _, name := range file.Names() {
				star, values := "", file.Contexts[name].Masked()
				if name == file.Current {
					star = "*"
				}
				info := contextInfo{Name: name, Current: name == file.Current, Settings: values}
				if err := table.Row(info, output.Good(star), output.Text(name), output.Text(values["api"])); err != nil {
					return err
				}
			}
			return table.End()
		},
	}
}

func (a *app) contextUseCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "use NAME",
		Short:             "Make a context the current one",
		Long:              `Context use makes the commands use the settings of a context unless flags or the environment have an address.`,
		Example:           `  pinfleet context use prod`,
		Args:              exactly(1, "the name of a context"),
		ValidArgsFunction: a.completeContexts,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.editContext(args[0], func(f *settings.File) { f.Current = args[0] })
		},
	}
}

func (a *app) contextSetCommand() *cobra.Command {
	var more map[string]string
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Create or change a context",
		Long: `Context set stores settings under a name: those of the flags of all commands that say
where the cluster is, and those of --set, which have no flag, such as idle_timeout=30s.
Their keys are the names of the environment variables without PINFLEET_, in lower case.
An empty value removes a setting. The first context becomes the current one.

Only you can read the configuration file. Other users can see your command line, so
give secrets on standard input.`,
		Example: `  pinfleet context set prod --cluster /dns4/a.example/tcp/9094/https,/dns4/b.example/tcp/9094/https
  pinfleet context set prod --basic-auth - < password.txt
  pinfleet context set prod --set idle_timeout=30s --token ''`,
		Args:              exactly(1, "the name of a context"),
		ValidArgsFunction: a.completeContexts,
		RunE: func(_ *cobra.Command, args []string) error {
			values, err := a.flagValues()
			if err != nil {
				return err
			}
			maps.Copy(values, more)
			return a.edit(func(f *settings.File) error {
				for key := range values {
					if !slices.Contains(settings.Keys(), key) {
						return exitcode.Usage("--set %s: unknown setting, see pinfleet context set --help", key)
					}
				}
				f.Set(args[0], values)
				if _, err := settings.Resolve(settings.Input{Context: args[0], Lookup: nothing, File: f}); err != nil {
					return &exitcode.Error{Code: exitcode.WrongUse, Err: err}
				}
				return nil
			})
		},
	}
	cmd.Flags().StringToStringVar(&more, "set", nil, "`key=value` of a setting without a flag; can be repeated")
	return cmd
}

// nothing is an environment without variables.
func nothing(string) (string, bool) { return "", false }

func (a *app) contextShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show [NAME]",
		Short: "Print a context without its secrets",
		Long:  `Context show prints the settings of a context, or of the current one. Secrets are masked.`,
		Example: `  pinfleet context show
  pinfleet context show prod --json`,
		Args:              atMost(1, "one name"),
		ValidArgsFunction: a.completeContexts,
		RunE: func(_ *cobra.Command, args []string) error {
			file, err := a.file()
			if err != nil {
				return err
			}
			name := file.Current
			if len(args) > 0 {
				name = args[0]
			}
			if name == "" {
				return &exitcode.Error{Code: exitcode.NotFound, Err: errors.New("no context is in use: choose one with pinfleet context use NAME")}
			}
			values, err := contextOf(file, name)
			if err != nil {
				return err
			}
			values = values.Masked()
			fields := []output.Field{{Name: "name", Value: output.Text(name)}}
			for _, key := range slices.Sorted(maps.Keys(values)) {
				fields = append(fields, output.Field{Name: key, Value: output.Text(values[key])})
			}
			out := a.printer()
			if err := out.Result(contextInfo{Name: name, Current: name == file.Current, Settings: values}, fields...); err != nil {
				return err
			}
			return out.Flush()
		},
	}
}

func (a *app) contextRmCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "rm NAME",
		Short:             "Remove a context",
		Long:              `Context rm removes a context from the configuration file.`,
		Example:           `  pinfleet context rm lab`,
		Args:              exactly(1, "the name of a context"),
		ValidArgsFunction: a.completeContexts,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.editContext(args[0], func(f *settings.File) { f.Remove(args[0]) })
		},
	}
}

func (a *app) completeContexts(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return a.contextNames(), cobra.ShellCompDirectiveNoFileComp
}
