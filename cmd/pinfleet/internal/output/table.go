package output

import (
	"strings"
	"unicode/utf8"
)

// lookahead is the number of rows that decide how wide the columns are. Later rows
// are printed as they come.
const lookahead = 64

// Table prints rows in columns. With JSON, it prints each row's document instead.
type Table struct {
	p       *Printer
	rows    int // that are waited for
	samples []string
	titles  []string
	pending [][]Cell // rows whose columns have no width yet
	widths  []int    // nil until the first rows are printed
}

// Table returns a table with the given titles of columns.
func (p *Printer) Table(titles ...string) *Table {
	return &Table{p: p, titles: titles, rows: lookahead}
}

// AtOnce makes the table print each row when it comes, because the next one may take
// long. The first columns are as wide as the samples.
func (t *Table) AtOnce(samples ...string) *Table {
	t.p.Live = true
	t.rows = 1
	t.samples = samples
	return t
}

// LongCID is a sample for AtOnce: the longest usual CID.
const LongCID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"

// Row prints a row. v is its document.
func (t *Table) Row(v any, cells ...Cell) error {
	if t.p.JSON {
		return t.p.Document(v)
	}
	if t.widths != nil {
		return t.print(cells)
	}
	if t.pending = append(t.pending, cells); len(t.pending) < t.rows {
		return nil
	}
	return t.begin()
}

// End prints the rows that are left. A table without rows prints nothing.
func (t *Table) End() error {
	if t.widths == nil && len(t.pending) > 0 {
		if err := t.begin(); err != nil {
			return err
		}
	}
	return t.p.Flush()
}

// begin prints the titles and the pending rows.
func (t *Table) begin() error {
	titles := make([]Cell, len(t.titles))
	t.widths = make([]int, len(t.titles))
	for i, title := range t.titles {
		titles[i] = Faint(title)
		t.widths[i] = utf8.RuneCountInString(title)
		if i < len(t.samples) {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(t.samples[i]))
		}
	}
	for _, row := range t.pending {
		for i, c := range row {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(c.text))
		}
	}
	if err := t.print(titles); err != nil {
		return err
	}
	for _, row := range t.pending {
		if err := t.print(row); err != nil {
			return err
		}
	}
	t.pending = nil
	return nil
}

func (t *Table) print(cells []Cell) error {
	var b strings.Builder
	for i, c := range cells {
		if i > 0 {
			b.WriteString("  ")
		}
		b.WriteString(t.p.Cell(c))
		if i < len(cells)-1 {
			b.WriteString(strings.Repeat(" ", max(0, t.widths[i]-utf8.RuneCountInString(c.text))))
		}
	}
	return t.p.write([]byte(strings.TrimRight(b.String(), " ") + "\n"))
}
