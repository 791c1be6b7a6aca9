package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
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

// lines returns the lines of standard input that are neither blank nor comments.
func (a *app) lines(ctx context.Context) ([]string, error) {
	in := a.input(ctx)
	defer in.Close()
	var lines []string
	scan := bufio.NewScanner(in)
	for scan.Scan() {
		line := strings.TrimSpace(scan.Text())
		if line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	if err := scan.Err(); err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	return lines, nil
}

// input returns standard input. A read of it ends when ctx does, which a read of a
// terminal does not do by itself.
func (a *app) input(ctx context.Context) io.ReadCloser {
	if output.IsTerminal(a.stdin) {
		fmt.Fprintln(a.stderr, "Type the items, one per line. Ctrl-D ends the list.")
	}
	out, in := io.Pipe()
	go func() { // ends with standard input, or at the first line after out is closed
		_, err := io.Copy(in, a.stdin)
		in.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { in.CloseWithError(context.Cause(ctx)) })
	return out
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
