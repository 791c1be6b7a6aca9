package pinset

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
)

// maxLine is the maximum size of a line that Import reads, in bytes. It is that of an item
// of a listing.
const maxLine = 4 << 20

// Import reads pins from r, one from each line of UTF-8. It recognises the form of each line:
//
//   - A line that begins with a brace is a pin in JSON, as [Export] and
//     `ipfs-cluster-service state export` write it.
//   - A line with a comma is CSV: the CID, and then the name. A name with a comma or a quote
//     is quoted; it cannot have a line break.
//   - Any other line is a CID. It may be an IPFS path without a name below the CID.
//
// The first line can name the columns of CSV. Then those called cid and name are used, and
// others are ignored. A line with more fields than columns cannot be read.
//
// Empty lines are skipped, and so are comments, which begin with a number sign. If the first
// line names another column than cid first, there are no comments below it, because the
// sign may belong to a field.
//
// The pins of lines that are not JSON have the given options and, in CSV, the name of the
// line unless it is empty.
//
// A line that cannot be read is a nil pin with a [*LineError], and Import goes on. An error
// of r is the last pair. The sequence can be used once: a second loop gets only an error,
// because r has no more lines.
func Import(r io.Reader, opts api.PinOptions) iter.Seq2[*api.Pin, error] {
	var used atomic.Bool
	return func(yield func(*api.Pin, error) bool) {
		if used.Swap(true) {
			yield(nil, errUsed)
			return
		}
		lines := bufio.NewReaderSize(r, 64<<10)
		p := &lineParser{options: opts, columns: []string{columnCid, columnName}, first: true}
		for n := 1; ; n++ {
			line, readErr := readLine(lines)
			if n == 1 {
				line = strings.TrimPrefix(line, "\uFEFF")
			}
			line = strings.TrimSpace(line)
			if readErr != nil && readErr != io.EOF && !errors.Is(readErr, errLongLine) {
				yield(nil, fmt.Errorf("import: line %d: %w", n, readErr))
				return
			}
			pin, err := (*api.Pin)(nil), readErr
			if !errors.Is(err, errLongLine) {
				pin, err = p.parse(line)
			}
			if err != nil {
				pin, err = nil, &LineError{Line: n, Text: strings.Clone(line[:min(len(line), maxLineText)]), Err: err}
			}
			if (pin != nil || err != nil) && !yield(pin, err) || readErr == io.EOF {
				return
			}
		}
	}
}

var errUsed = fmt.Errorf("%w: the import was read before: make another one for each use, from the beginning of its text", client.ErrInvalid)

var errLongLine = fmt.Errorf("it is longer than %d bytes", maxLine)

// readLine returns the next line. If it is too long, readLine skips its rest and returns
// its start with errLongLine. With the last line it may return io.EOF.
func readLine(r *bufio.Reader) (string, error) {
	var line []byte
	long := false
	for {
		part, err := r.ReadSlice('\n')
		if long = long || len(line)+len(part) > maxLine; !long {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case long && (err == nil || err == io.EOF):
			return string(line), errLongLine
		}
		return string(line), err
	}
}

// Columns of CSV.
const (
	columnCid  = "cid"
	columnName = "name"
)

// lineParser parses lines.
type lineParser struct {
	options api.PinOptions
	columns []string // of CSV
	named   bool     // a line has named the columns
	first   bool     // no line but comments and empty lines was seen
}

// parse returns the pin of a line, or nil if the line has none.
func (p *lineParser) parse(line string) (*api.Pin, error) {
	if line == "" || line[0] == '#' && p.columns[0] == columnCid {
		return nil, nil
	}
	first := p.first
	p.first = false
	switch {
	case !utf8.ValidString(line):
		return nil, errors.New("it is not in UTF-8")
	case line[0] == '{':
		return parsePin(line)
	case strings.Contains(line, ",") || first && isColumn(line):
		return p.parseRecord(line, first)
	}
	return p.pin(line, "")
}

// parsePin parses a pin in JSON.
func parsePin(line string) (*api.Pin, error) {
	pin := &api.Pin{}
	if err := json.Unmarshal([]byte(line), pin); err != nil {
		return nil, fmt.Errorf("it is not a pin in JSON: %w", err)
	}
	switch {
	case !pin.Cid.Defined():
		return nil, errors.New("the pin has no CID")
	case pin.Type == 0:
		pin.Type = api.DataType
	case pin.Type == api.BadType || pin.Type == api.AllType:
		return nil, errors.New("the type of the pin is unknown")
	}
	return pin, nil
}

// parseRecord parses a line of CSV. The first line may name the columns.
func (p *lineParser) parseRecord(line string, first bool) (*api.Pin, error) {
	r := csv.NewReader(strings.NewReader(line))
	r.TrimLeadingSpace = true
	fields, err := r.Read()
	if err != nil {
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			err = bad.Err // without a line number, which is always 1
		}
		return nil, fmt.Errorf("it is not CSV: %w", err)
	}
	if first && slices.ContainsFunc(fields, isColumn) {
		for i := range fields {
			fields[i] = strings.ToLower(strings.TrimSpace(fields[i]))
		}
		if !slices.Contains(fields, columnCid) {
			return nil, fmt.Errorf("no column is called %s", columnCid)
		}
		p.columns, p.named = fields, true
		return nil, nil
	}
	if p.named && len(fields) > len(p.columns) && strings.Join(fields[len(p.columns):], "") != "" {
		return nil, fmt.Errorf("it has %d fields for %d columns: quote a name with a comma", len(fields), len(p.columns))
	}
	return p.pin(p.column(fields, columnCid), p.column(fields, columnName))
}

// isColumn reports whether text names the column of CIDs.
func isColumn(text string) bool { return strings.EqualFold(strings.TrimSpace(text), columnCid) }

// column returns the field of a column, or "" if there is none.
func (p *lineParser) column(fields []string, name string) string {
	if i := slices.Index(p.columns, name); i >= 0 && i < len(fields) {
		return strings.TrimSpace(fields[i])
	}
	return ""
}

// pin returns the pin of a CID with the options of the import.
func (p *lineParser) pin(text, name string) (*api.Pin, error) {
	if strings.ContainsAny(text, " \t") {
		return nil, errors.New("there is more than a CID: separate the name with a comma")
	}
	ci, err := api.DecodeCid(strings.TrimSuffix(strings.TrimPrefix(text, "/ipfs/"), "/"))
	if err != nil {
		return nil, fmt.Errorf("it has no CID: %w", err)
	}
	pin := api.PinWithOpts(ci, p.options)
	if name != "" {
		pin.Name = name
	}
	return &pin, nil
}
