package cli

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/bars"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
	"github.com/pinfleet/pinfleet/internal/oneline"
)

func (a *app) addCommand() *cobra.Command {
	flags := &addFlags{params: api.DefaultAddParams()}
	cmd := &cobra.Command{
		Use:   "add PATH|URL|- …",
		Short: "Add files, directories and web sources, and pin them",
		Long: `Add uploads files, directories and http(s):// sources to the cluster, which pins them,
and prints the CID of each file and directory. The last one is the root. The argument
- is standard input; --name names it. Several paths are put into a directory.

Every CID is verified: it is computed here too, while the upload is sent. When a peer
fails, the upload begins again at another one. On a terminal, a bar shows the progress.`,
		Example: `  pinfleet add --name site ./site --wait
  tar c ./site | pinfleet add - --name site.tar --quieter
  pinfleet add https://example.org/data.bin --replication 2 --expire-in 30d
  pinfleet add --format car site.car
  pinfleet add --only-hash --cid-version 1 ./site`,
		Args: atLeast(1, "a path, a URL or -"),
	}
	flags.register(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		params, err := flags.addParams(cmd, a.now())
		if err != nil {
			return err
		}
		if slices.Contains(args, fromInput) && len(args) > 1 {
			return exitcode.Usage("- cannot be combined with paths: add standard input by itself")
		}
		if flags.onlyHash {
			return a.onlyHash(cmd.Context(), flags, params, args)
		}
		return a.connected(func(ctx context.Context, s *session, args []string) error {
			ad := &adding{app: a, client: s.client, out: s.out, flags: flags, params: params}
			if err := ad.run(ctx, args); err != nil || !flags.wait.wait {
				return err
			}
			return ad.waitForRoot(ctx, s)
		})(cmd, args)
	}
	return cmd
}

// adding is the work of the command add.
type adding struct {
	*app
	client client.Client
	out    *output.Printer
	flags  *addFlags
	params *api.AddParams

	root     cid.Cid // of the last output
	reported int     // outputs with a CID
	printErr error   // of the first line that could not be printed
}

// run adds the sources and prints what is reported.
func (ad *adding) run(ctx context.Context, args []string) error {
	bar, err := ad.newBar()
	if err != nil {
		return err
	}
	if bar != nil {
		defer bar.Close()
		ctx = client.WithProgress(ctx, bar.Report)
		if output.IsTerminal(ad.stdout) {
			printer := ad.out // the lines go above the bar
			ad.out = output.New(bar, printer.Options)
			defer func() { ad.out = printer }()
		}
	}
	err = ad.add(ctx, args)
	if err != nil && (ctx.Err() != nil || ad.reported > 0) {
		ad.progress = func() string { return "nothing is pinned: run the command again, which adds everything again" }
	}
	if err == nil && ad.flags.quieter && !ad.json {
		ad.printed(ad.out.Line("%s", ad.root))
	}
	ad.printed(ad.out.Flush())
	return errors.Join(err, ad.printErr)
}

// newBar returns the bar, or nil if none is to be shown.
func (ad *adding) newBar() (*bars.Bar, error) {
	if ad.flags.noProgress || ad.flags.quiet || ad.flags.quieter || ad.json {
		return nil, nil
	}
	for _, stream := range []any{ad.stdout, ad.stderr} {
		if f, ok := output.Terminal(stream); ok {
			return bars.New(f, ad.now)
		}
	}
	return nil, nil
}

// add makes the add.
func (ad *adding) add(ctx context.Context, args []string) error {
	if args[0] == fromInput {
		added, err := client.AddReader(ctx, ad.client, inputName(ad.params.Name), ad.stdin, ad.params)
		if err == nil {
			for _, o := range added.Outputs {
				ad.print(o)
			}
		}
		return err
	}
	out := make(chan *api.AddedOutput)
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		for o := range out {
			ad.print(o)
		}
	}()
	err := ad.client.Add(ctx, args, ad.params, out)
	<-printed
	return err
}

// inputName returns the name of the file that standard input becomes.
func inputName(pin string) string {
	if pin != "" && pin == path.Base(pin) && pin != "." && pin != ".." {
		return pin
	}
	return "stdin"
}

// maxAddedName is the maximum size of a printed name, in bytes.
const maxAddedName = 4 << 10

// print prints an output. When nobody reads what is printed, the add goes on.
func (ad *adding) print(o *api.AddedOutput) {
	if o.Cid.Defined() {
		ad.root = o.Cid.Cid
		ad.reported++
	}
	switch {
	case ad.json:
		ad.printed(ad.out.Document(o))
	case !o.Cid.Defined(), ad.flags.quieter:
	case ad.flags.quiet:
		ad.printed(ad.out.Line("%s", o.Cid))
	default:
		name := oneline.Text(o.Name, maxAddedName)
		ad.printed(ad.out.Line("%s", strings.TrimSpace("added "+o.Cid.String()+" "+name)))
	}
}

func (ad *adding) printed(err error) {
	if ad.printErr == nil {
		ad.printErr = err
	}
}

// waitForRoot waits until the root is pinned. It prints the status unless only CIDs are
// to be printed.
func (ad *adding) waitForRoot(ctx context.Context, s *session) error {
	ad.progress = func() string {
		return fmt.Sprintf("%s is added: run pinfleet wait %s", ad.root, ad.root)
	}
	pin, err := s.client.Allocation(ctx, ad.root)
	switch {
	case err != nil:
	case ad.flags.quiet, ad.flags.quieter:
		params := ad.flags.wait.until(api.TrackerStatusPinned).params
		if params.Cid = ad.root; params.Limit == 0 {
			params.Limit = max(0, pin.ReplicationFactorMin)
		}
		_, err = client.WaitFor(ctx, s.client, params)
	default:
		err = ad.flags.wait.until(api.TrackerStatusPinned).forPins(ctx, s, []*api.Pin{pin})
	}
	if err == nil {
		ad.progress = nil
		return nil
	}
	if errors.Is(err, client.ErrStatus) {
		ad.progress = func() string { return fmt.Sprintf("it is added: run pinfleet recover %s", ad.root) }
		return &exitcode.Error{Code: exitcode.Partly, Err: err}
	}
	return err
}
