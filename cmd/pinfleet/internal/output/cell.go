package output

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Cell is a piece of text in a table, with the way in which it is marked.
type Cell struct {
	text string
	tone tone
}

// tone says how a cell is marked: the number of a colour of terminals.
type tone string

const (
	plain  tone = ""
	green  tone = "32"
	red    tone = "31"
	yellow tone = "33"
	faint  tone = "2"
)

// Text returns a cell that is not marked.
func Text(text string) Cell { return Cell{text: clean(text)} }

// Number returns a cell with a number.
func Number(n int) Cell { return Cell{text: strconv.Itoa(n)} }

// Good returns a cell that says that something is right.
func Good(text string) Cell { return Cell{clean(text), green} }

// Bad returns a cell that says that something is wrong.
func Bad(text string) Cell { return Cell{clean(text), red} }

// Busy returns a cell that says that something is not finished.
func Busy(text string) Cell { return Cell{clean(text), yellow} }

// Faint returns a cell that matters less than others.
func Faint(text string) Cell { return Cell{clean(text), faint} }

// Cell returns the text of a cell with its colour.
func (p *Printer) Cell(c Cell) string {
	if !p.Colour || c.tone == plain || c.text == "" {
		return c.text
	}
	return "\x1b[" + string(c.tone) + "m" + c.text + "\x1b[0m"
}

// pad appends spaces up to the given width.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// Age returns the time since t in its largest unit, such as 5m or 3d, or an empty
// string for the zero time.
func Age(t, now time.Time) string {
	if t.IsZero() || t.Equal(time.Unix(0, 0)) {
		return ""
	}
	return Duration(now.Sub(t))
}

// Duration returns d in its largest unit, such as 5m or 3d.
func Duration(d time.Duration) string {
	const day = 24 * time.Hour
	units := []struct {
		size time.Duration
		name string
	}{{365 * day, "y"}, {day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	for _, u := range units {
		if d >= u.size {
			return sign + strconv.FormatInt(int64(d/u.size), 10) + u.name
		}
	}
	return "0s"
}

// Bytes returns a number of bytes with a binary unit, such as 1.5 GiB.
func Bytes(n float64) string {
	const unit = 1024
	names := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	i := 0
	for n >= unit && i < len(names)-1 {
		n /= unit
		i++
	}
	precision := 1
	if i == 0 || n >= 100 {
		precision = 0
	}
	return strconv.FormatFloat(n, 'f', precision, 64) + " " + names[i]
}
