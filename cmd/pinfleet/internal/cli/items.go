package cli

import (
	"bufio"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/exitcode"
)

// fromInput is the argument that stands for the lines of standard input.
const fromInput = "-"

// items returns the arguments, with the lines of standard input in place of the
// argument -. Blank lines and lines that begin with # are left out.
func (a *app) items(args []string) ([]string, error) {
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
		lines := bufio.NewScanner(a.stdin)
		for lines.Scan() {
			line := strings.TrimSpace(lines.Text())
			if line != "" && !strings.HasPrefix(line, "#") {
				items = append(items, line)
			}
		}
		if err := lines.Err(); err != nil {
			return nil, exitcode.Usage("standard input: %w", err)
		}
	}
	return items, nil
}

// cids is like items for arguments that are CIDs.
func (a *app) cids(args []string) ([]cid.Cid, error) {
	items, err := a.items(args)
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
