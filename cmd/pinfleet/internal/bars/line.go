package bars

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
)

// line is what the bar shows.
type line struct {
	progress  client.Progress
	perSecond float64 // bytes; 0 if not known yet
}

// Least widths of the name and the bar, and the largest one of the name, in columns.
const (
	leastName = 8
	leastBar  = 10
	mostName  = 30
)

// text returns the line in at most width columns.
func (l line) text(width int) string {
	p := l.progress
	parts := l.parts(width)
	figures := ""
	for _, part := range parts {
		figures += "  " + part
	}
	left := width - ansi.StringWidth(figures)
	name := p.Name
	if p.Attempt > 1 {
		name = fmt.Sprintf("attempt %d: %s", p.Attempt, name)
	}
	switch {
	case p.Attempt == 0:
		return ansi.Truncate("beginning", width, "…")
	case l.isSent():
		return ansi.Truncate(fmt.Sprintf("all is sent, the cluster works on it (%s, %s)", output.Bytes(float64(p.SentBytes)), count(p.SentFiles, 0)), width, "…")
	case p.TotalBytes == 0 || left < leastName+leastBar+2:
		return ansi.Truncate(pad(shorten(name, left), left)+figures, width, "…")
	}
	nameWidth := min(max(leastName, ansi.StringWidth(name)), mostName, left-leastBar-2)
	return pad(shorten(name, nameWidth), nameWidth) + "  " + bar(l.done(), left-nameWidth-2) + figures
}

// isSent reports whether only the report is missing.
func (l line) isSent() bool {
	p := l.progress
	return p.TotalBytes > 0 && p.SentBytes >= p.TotalBytes && p.SentFiles >= p.TotalFiles
}

// done returns the part that was sent, between 0 and 1.
func (l line) done() float64 {
	return min(1, float64(l.progress.SentBytes)/float64(max(1, l.progress.TotalBytes)))
}

// parts returns the figures that fit into width columns beside a name and a bar.
func (l line) parts(width int) []string {
	p := l.progress
	all := make([]string, 5) // in the order of the line
	sent := output.Bytes(float64(p.SentBytes))
	files := count(p.SentFiles, p.TotalFiles)
	if p.TotalBytes > 0 {
		all[0] = fmt.Sprintf("%.0f %%", math.Floor(100*l.done()))
		total := output.Bytes(float64(p.TotalBytes))
		if n, unit, _ := strings.Cut(sent, " "); strings.HasSuffix(total, " "+unit) {
			sent = n
		}
		sent += " of " + total
	}
	all[1] = sent
	if l.perSecond > 0 {
		all[2] = output.Bytes(l.perSecond) + "/s"
		if rest := p.TotalBytes - p.SentBytes; p.TotalBytes > 0 && rest > 0 {
			all[4] = time.Duration(float64(rest)/l.perSecond*float64(time.Second)).Round(time.Second).String() + " left"
		}
	}
	all[3] = files
	room := width - leastName - leastBar - 2
	chosen := make([]string, len(all))
	for _, i := range []int{0, 4, 2, 3, 1} { // the most useful first
		if need := ansi.StringWidth(all[i]) + 2; all[i] != "" && need <= room {
			chosen[i] = all[i]
			room -= need
		}
	}
	var parts []string
	for _, part := range chosen {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

func count(sent, total int64) string {
	if total > 0 {
		return fmt.Sprintf("%d of %d files", sent, total)
	}
	return fmt.Sprintf("%d files", sent)
}

// bar returns a bar of the given width. done is between 0 and 1.
func bar(done float64, width int) string {
	full := int(done * float64(width))
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}

// shorten leaves out the beginning of a path that is too long.
func shorten(name string, width int) string {
	if n := ansi.StringWidth(name); n > width && width > 1 {
		return "…" + ansi.TruncateLeft(name, n-width+1, "")
	}
	return name
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-ansi.StringWidth(text)))
}
