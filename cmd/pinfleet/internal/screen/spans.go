package screen

import (
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// Span is a piece of a line whose characters look alike.
type Span struct {
	Column int // of its first character, from 0
	Width  int // in columns
	Text   string
	// Colour is one of the 16 basic colours, 0 to 15, or -1 for that of the terminal.
	Colour      int
	Bold, Faint bool
}

// Spans returns the lines on the screen with their looks, without spaces at their ends
// and empty lines at the bottom.
func (t *Terminal) Spans() [][]Span {
	columns, rows := t.emulator.Width(), t.emulator.Height()
	screen := uv.NewScreenBuffer(columns, rows) // a copy: the program may go on writing
	t.emulator.Draw(screen, screen.Bounds())
	var lines [][]Span
	end := 0
	for y := range rows {
		var line []Span
		for x := 0; x < columns; {
			span := spanOf(x, screen.CellAt(x, y))
			if n := len(line) - 1; n >= 0 && looks(line[n]) == looks(span) && line[n].Column+line[n].Width == x {
				line[n].Text += span.Text
				line[n].Width += span.Width
			} else if span.Text != " " {
				line = append(line, span)
			}
			x += span.Width
		}
		if lines = append(lines, trimmed(line)); len(lines[y]) > 0 {
			end = y + 1
		}
	}
	return lines[:end]
}

// looks returns a span without what it says.
func looks(s Span) Span { return Span{Colour: s.Colour, Bold: s.Bold, Faint: s.Faint} }

func spanOf(x int, cell *uv.Cell) Span {
	s := Span{Column: x, Width: 1, Text: " ", Colour: -1}
	if cell == nil {
		return s
	}
	if cell.Content != "" {
		s.Text, s.Width = cell.Content, max(1, cell.Width)
	}
	if colour, ok := cell.Style.Fg.(ansi.BasicColor); ok {
		s.Colour = int(colour)
	}
	s.Bold, s.Faint = cell.Style.Attrs&uv.AttrBold != 0, cell.Style.Attrs&uv.AttrFaint != 0
	return s
}

// trimmed returns a line without spaces at its end.
func trimmed(line []Span) []Span {
	for n := len(line) - 1; n >= 0; n-- {
		s := &line[n]
		for len(s.Text) > 0 && s.Text[len(s.Text)-1] == ' ' {
			s.Text = s.Text[:len(s.Text)-1]
			s.Width--
		}
		if s.Text != "" {
			return line[:n+1]
		}
	}
	return nil
}
