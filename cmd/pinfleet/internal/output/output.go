// Package output prints what the commands report: tables for people, or one JSON
// document per line.
package output

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/pinfleet/pinfleet/internal/oneline"
)

// Options say how a Printer prints.
type Options struct {
	// JSON prints one JSON document per line in the form of the cluster's API.
	JSON bool
	// Colour marks words such as statuses by colours.
	Colour bool
	// Live writes each line at once. Otherwise, lines are written in blocks.
	Live bool
}

// Printer prints the result of a command. It is not safe for concurrent use.
type Printer struct {
	Options
	w   *bufio.Writer
	err error // of the first write that failed
}

// New returns a Printer that writes to w.
func New(w io.Writer, opts Options) *Printer {
	return &Printer{Options: opts, w: bufio.NewWriterSize(w, 32<<10)}
}

// IsTerminal reports whether stream is a terminal.
func IsTerminal(stream any) bool {
	_, ok := Terminal(stream)
	return ok
}

// Terminal returns stream as a file if it is a terminal.
func Terminal(stream any) (*os.File, bool) {
	f, ok := stream.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// Width returns the number of columns of a terminal, or 0 if stream is none.
func Width(stream any) int {
	f, ok := stream.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// IsClosedPipe reports whether err says that the reader of the output is gone.
func IsClosedPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe)
}

// Document prints v as one line of JSON.
func (p *Printer) Document(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return p.write(append(b, '\n'))
}

// Line prints a line of text for people. It prints nothing with JSON.
func (p *Printer) Line(format string, args ...any) error {
	if p.JSON {
		return nil
	}
	return p.write(fmt.Appendf(nil, format+"\n", args...))
}

// Text prints text as it is, whatever the options.
func (p *Printer) Text(text string) error { return p.write([]byte(text)) }

// Result prints v with JSON, and otherwise a list of names and values.
func (p *Printer) Result(v any, fields ...Field) error {
	if p.JSON {
		return p.Document(v)
	}
	width := 0
	for _, f := range fields {
		width = max(width, utf8.RuneCountInString(f.Name))
	}
	for _, f := range fields {
		if f.Value.text == "" {
			continue
		}
		if err := p.Line("%s  %s", pad(f.Name, width), p.Cell(f.Value)); err != nil {
			return err
		}
	}
	return nil
}

// Field is a line of a Result. A field with an empty value is not printed.
type Field struct {
	Name  string
	Value Cell
}

// Flush writes what is buffered.
func (p *Printer) Flush() error {
	if p.err == nil {
		p.err = p.w.Flush()
	}
	return p.err
}

func (p *Printer) write(b []byte) error {
	if p.err == nil {
		_, p.err = p.w.Write(b)
	}
	if p.Live {
		return p.Flush()
	}
	return p.err
}

// maxCell is the maximum size of a cell, in bytes.
const maxCell = 1 << 10

// clean returns text from the network as one printable line, so that it cannot
// control the terminal.
func clean(text string) string { return oneline.Text(text, maxCell) }
