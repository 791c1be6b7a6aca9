package top

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/lbclient"
)

var (
	bold   = lipgloss.NewStyle().Bold(true)
	faint  = lipgloss.NewStyle().Faint(true)
	good   = lipgloss.NewStyle().Foreground(lipgloss.Green)
	busy   = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	bad    = lipgloss.NewStyle().Foreground(lipgloss.Red)
	stated = map[lbclient.State]lipgloss.Style{lbclient.Admitted: good, lbclient.Eligible: busy, lbclient.Ejected: bad, lbclient.Draining: faint}
)

// View implements tea.Model.
func (m *model) View() tea.View {
	v := tea.NewView(m.text())
	v.AltScreen, v.WindowTitle = true, "pinfleet top"
	return v
}

// text returns the lines of the screen.
func (m *model) text() string {
	footer := "q quits"
	clock := m.at.Format(time.TimeOnly)
	title := ansi.Truncate(m.opts.Title, max(0, m.width-len(clock)-1), "…")
	gap := strings.Repeat(" ", max(1, m.width-ansi.StringWidth(title)-len(clock)))
	lines := []string{bold.Render(title) + gap + clock, ""}

	pins := m.pinLines()
	// What is left for endpoints and events, below their titles, with an empty line each.
	left := m.height - len(lines) - len(pins) - len([]string{"ENDPOINT", "", "", "EVENTS", footer})
	rows := min(len(m.endpoints), max(2, left-2))
	lines = append(lines, m.endpointLines(rows)...)
	lines = append(lines, "")
	lines = append(lines, pins...)
	lines = append(lines, "")
	lines = append(lines, m.eventLines(max(1, left-rows))...)
	for i, line := range lines {
		lines[i] = ansi.Truncate(line, m.width, "…")
	}
	for len(lines) < m.height-1 {
		lines = append(lines, "")
	}
	return strings.Join(append(lines[:max(0, min(len(lines), m.height-1))], faint.Render(footer)), "\n")
}

// columns are the widths of the columns of the endpoints. 0 leaves a column out.
type columns struct{ name, state, latency, graph, share int }

// columnsFor returns the columns that fit. The name gets what the others leave.
func columnsFor(width int) columns {
	c := columns{state: 8, latency: 8, graph: 20, share: 5}
	switch {
	case width < 30:
		c.latency, c.graph, c.share = 0, 0, 0
	case width < 44:
		c.graph, c.share = 0, 0
	case width < 54:
		c.graph = 0
	case width < 80:
		c.graph = 10
	}
	c.name = width
	for _, other := range []int{c.state, c.latency, c.graph, c.share} {
		if other > 0 {
			c.name -= other + len("  ")
		}
	}
	c.name = max(c.name, 1)
	return c
}

// row returns a line of the endpoints. Styles do not change its width.
func (c columns) row(name, state, latency, graph, share string) string {
	if ansi.StringWidth(name) > c.name {
		name = middle(short(name), c.name)
	}
	line := pad(name, c.name)
	for _, cell := range []struct {
		text  string
		width int
		right bool
	}{{state, c.state, false}, {latency, c.latency, true}, {graph, c.graph, false}, {share, c.share, true}} {
		switch {
		case cell.width == 0:
		case cell.right:
			line += "  " + strings.Repeat(" ", max(0, cell.width-ansi.StringWidth(cell.text))) + cell.text
		default:
			line += "  " + pad(cell.text, cell.width)
		}
	}
	return line
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-ansi.StringWidth(text)))
}

// addresses matches the multiaddresses of HTTP endpoints. The rest is /https or the like.
var addresses = regexp.MustCompile(`^/(?:ip4|ip6|dns|dns4|dns6)/([^/]+)/tcp/(\d+)(/.*)?$`)

// short returns the multiaddress of an HTTP endpoint as host:port and the rest, and other
// names unchanged.
func short(name string) string { return addresses.ReplaceAllString(name, "$1:$2$3") }

// middle shortens a name to the width by leaving out its middle: the names of endpoints
// differ at the beginning or at the end.
func middle(name string, width int) string {
	n := ansi.StringWidth(name)
	if n <= width {
		return name
	}
	head := width / 2
	return ansi.Truncate(name, head, "") + "…" + ansi.TruncateLeft(name, n-(width-head-1), "")
}

// endpointLines returns the titles and at most rows lines of endpoints.
func (m *model) endpointLines(rows int) []string {
	c := columnsFor(m.width)
	lines := []string{faint.Render(c.row("ENDPOINT", "STATE", "LATENCY", fmt.Sprintf("LAST %s", span(c.graph, m.opts.Interval)), "SHARE"))}
	scale := m.scale(c.graph)
	for i, e := range m.endpoints {
		if i == rows-1 && rows < len(m.endpoints) {
			return append(lines, faint.Render(fmt.Sprintf("… and %d more", len(m.endpoints)-i)))
		}
		latency := bad.Render("failed")
		switch {
		case e.Latency > 0:
			latency = duration(e.Latency)
		case e.Latency == 0:
			latency = ""
		}
		lines = append(lines, c.row(e.Name, stated[e.State].Render(string(e.State)), latency,
			sparkline(m.latencies[e.Name], c.graph, scale), fmt.Sprintf("%.0f %%", 100*e.Share)))
	}
	return lines
}

// span returns the time that n samples take.
func span(n int, interval time.Duration) string { return (time.Duration(n) * interval).String() }

// scale returns the latency of the highest bar: the largest one on the screen, and not
// less than 5 ms, so that small differences look small.
func (m *model) scale(width int) time.Duration {
	scale := 5 * time.Millisecond
	for _, all := range m.latencies {
		for _, d := range all[max(0, len(all)-width):] {
			scale = max(scale, d)
		}
	}
	return scale
}

// pinOrder is the order in which the statuses of pins are shown.
var pinOrder = []api.ClusterStatus{api.ClusterStatusPinned, api.ClusterStatusPartly, api.ClusterStatusPinning,
	api.ClusterStatusQueued, api.ClusterStatusFailed, api.ClusterStatusUnpinned, api.ClusterStatusUnknown}

// pinLines returns the number of pins by status, on as many lines as it takes.
func (m *model) pinLines() []string {
	if m.pins == nil {
		return []string{faint.Render("PINS") + "  are being counted"}
	}
	total := 0
	var parts []string
	for _, status := range pinOrder {
		n := m.pins.Counts[status]
		total += n
		if n == 0 {
			continue
		}
		style := busy
		switch status {
		case api.ClusterStatusPinned:
			style = good
		case api.ClusterStatusFailed:
			style = bad
		}
		parts = append(parts, style.Render(status.String())+" "+number(n))
	}
	if m.pins.Err != nil {
		parts = append(parts, bad.Render("incomplete"))
	}
	head := fmt.Sprintf("%s  %s", faint.Render("PINS"), number(total))
	if total > 0 {
		head += ":"
	}
	return wrap(append([]string{head}, parts...), m.width)
}

// wrap joins parts to lines of at most width columns.
func wrap(parts []string, width int) []string {
	var lines []string
	line := ""
	for _, part := range parts {
		switch {
		case line == "":
			line = part
		case ansi.StringWidth(line)+2+ansi.StringWidth(part) <= width:
			line += "  " + part
		default:
			lines = append(lines, line)
			line = "      " + part
		}
	}
	return append(lines, line)
}

// eventLines returns the title and the newest events, newest first.
func (m *model) eventLines(most int) []string {
	lines := []string{faint.Render("EVENTS")}
	for i := len(m.events) - 1; i >= 0 && len(lines) <= most; i-- {
		e := m.events[i]
		style := good
		if e.Bad {
			style = bad
		}
		lines = append(lines, e.At.Format(time.TimeOnly)+"  "+style.Render(e.Text))
	}
	if len(m.events) == 0 {
		lines = append(lines, "none so far")
	}
	return lines
}
