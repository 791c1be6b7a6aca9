package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/spf13/cobra"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
	"github.com/pinfleet/pinfleet/pinset"
)

// bulkFlags are the flags of commands that work on many pins at a time.
type bulkFlags struct {
	jobs int
}

func (f *bulkFlags) register(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.jobs, "jobs", pinset.DefaultMaxInFlight, "make at most this `number` of calls at a time; fewer if the cluster slows down")
}

// options returns the options that the flags describe.
func (f *bulkFlags) options() ([]pinset.Option, error) {
	if f.jobs < 1 {
		return nil, exitcode.Usage("--jobs must be at least 1")
	}
	return []pinset.Option{pinset.WithMaxInFlight(f.jobs)}, nil
}

// bulk is work on many pins. It counts the results, and prints the failure of each item.
type bulk struct {
	app          *app
	verb         string // what was done with an item, such as "pinned"
	done, failed int
	shown        bool // the progress is on the terminal
}

// newBulk returns work of which verb says in a message what was done with an item.
func (a *app) newBulk(verb string) *bulk {
	b := &bulk{app: a, verb: verb}
	a.progress = func() string {
		return fmt.Sprintf("%s; run the command again to go on where it has ended", b)
	}
	return b
}

// String says how many items were done.
func (b *bulk) String() string {
	if b.done == 1 {
		return "1 item was " + b.verb
	}
	return fmt.Sprintf("%d items were %s", b.done, b.verb)
}

// each calls do for every result. A failure of an item does not end the loop.
func each[T any](b *bulk, results iter.Seq2[T, error], do func(T) error) error {
	for result, err := range results {
		switch {
		case err == nil:
			b.done++
			if err := do(result); err != nil {
				return err
			}
		case isOfItem(err) && exitcode.Of(err) != exitcode.Refused:
			b.failed++
			b.endShow()
			fmt.Fprintf(b.app.stderr, "pinfleet: %s\n", b.app.explainItem(err))
		default:
			return err
		}
	}
	b.app.progress = nil
	return b.err()
}

// show prints the progress on a terminal, in a line that the next call replaces.
func (b *bulk) show(p pinset.Progress) {
	if output.IsTerminal(b.app.stderr) {
		b.shown = true
		fmt.Fprintf(b.app.stderr, "\r%d %s, %d failed, %d calls at a time\x1b[K", p.Done, b.verb, p.Failed, p.Limit)
	}
}

// endShow removes the line that show has printed.
func (b *bulk) endShow() {
	if b.shown {
		fmt.Fprint(b.app.stderr, "\r\x1b[K")
	}
	b.shown = false
}

// isOfItem reports whether err is about one item and not about the whole work.
func isOfItem(err error) bool {
	var (
		item *pinset.ItemError
		line *pinset.LineError
	)
	return errors.As(err, &item) || errors.As(err, &line) || errors.Is(err, pinset.ErrNotDeleted)
}

// explainItem explains the failure of an item.
func (a *app) explainItem(err error) string {
	var item *pinset.ItemError
	if errors.As(err, &item) {
		return fmt.Sprintf("%s: %s", item.Cid, a.explain(item.Err))
	}
	return oneSentence(err.Error())
}

// err returns the error of the whole work.
func (b *bulk) err() error {
	if b.failed == 0 {
		return nil
	}
	err := fmt.Errorf("%s, %d failed", b, b.failed)
	if b.done == 0 {
		return &exitcode.Error{Code: exitcode.Failed, Err: err}
	}
	return &exitcode.Error{Code: exitcode.Partly, Err: err}
}

// open opens a file to read, or standard input if name is -.
func (a *app) open(ctx context.Context, name string) (io.ReadCloser, error) {
	if name == fromInput {
		return a.input(ctx), nil
	}
	f, err := os.Open(name) //nolint:gosec // the user of the command names the file
	if err != nil {
		return nil, exitcode.Usage("%w", err)
	}
	return f, nil
}
