package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
)

// fromInput is the argument that stands for the lines of standard input.
const fromInput = "-"

// items returns the arguments, with the lines of standard input in place of the
// argument -. Blank lines and lines that begin with # are left out.
func (a *app) items(ctx context.Context, args []string) ([]string, error) {
	var items []string
	read := false
	for _, arg := range args {
		if arg != fromInput {
			items = append(items, arg)
			continue
		}
		if read {
			return nil, exitcode.Usage("- is given twice: standard input can be read once")
		}
		read = true
		lines, err := a.lines(ctx)
		if err != nil {
			return nil, err
		}
		items = append(items, lines...)
	}
	return items, nil
}

// lines returns the lines of standard input that are neither blank nor comments. When
// ctx ends, it returns at once: a read of a terminal goes on until the process ends.
func (a *app) lines(ctx context.Context) (lines []string, err error) {
	if output.IsTerminal(a.stdin) {
		fmt.Fprintln(a.stderr, "Type the items, one per line. Ctrl-D ends the list.")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		scan := bufio.NewScanner(a.stdin)
		for scan.Scan() {
			line := strings.TrimSpace(scan.Text())
			if line != "" && !strings.HasPrefix(line, "#") {
				lines = append(lines, line)
			}
		}
		err = scan.Err()
	}()
	select {
	case <-done:
		if err != nil {
			err = fmt.Errorf("standard input: %w", err)
		}
		return lines, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// cids is like items for arguments that are CIDs.
func (a *app) cids(ctx context.Context, args []string) ([]cid.Cid, error) {
	items, err := a.items(ctx, args)
	if err != nil {
		return nil, err
	}
	cids := make([]cid.Cid, len(items))
	for i, item := range items {
		if cids[i], err = decodeCid(item); err != nil {
			return nil, err
		}
	}
	return cids, nil
}

func decodeCid(text string) (cid.Cid, error) {
	ci, err := cid.Decode(text)
	if err != nil {
		return cid.Undef, exitcode.Usage("%q is not a CID", text)
	}
	return ci, nil
}
