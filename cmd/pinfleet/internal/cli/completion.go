package cli

import (
	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
)

func (a *app) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script that completes commands in a shell",
		Long:  `Completion prints a script for a shell. Loaded there, it completes commands, flags, statuses and the names of contexts.`,
		Example: `  source <(pinfleet completion bash)
  pinfleet completion zsh > "${fpath[1]}/_pinfleet"
  pinfleet completion fish > ~/.config/fish/completions/pinfleet.fish
  pinfleet completion powershell | Out-String | Invoke-Expression`,
		Args:      exactly(1, "the name of a shell: bash, zsh, fish or powershell"),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.stdout, true)
			case "zsh":
				return root.GenZshCompletion(a.stdout)
			case "fish":
				return root.GenFishCompletion(a.stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.stdout)
			}
			return exitcode.Usage("unknown shell %q: use bash, zsh, fish or powershell", args[0])
		},
	}
}
