package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

const (
	margin     = 20.0
	panelWidth = 289.0
	panelGap   = 14.0
	titleSize  = 14.0
	textSize   = 12.0
	textLine   = 15.0 // distance between lines
	padding    = 10.0
	entryGap   = 4.0 // above each package of a panel
)

// colour holds the colours of a box and its border.
type colour struct{ fill, line string }

var (
	core   = colour{"#e7f5f8", "#0b7285"}
	optIn  = colour{"#fff4e6", "#d9480f"} // linked only by programs that import it
	second = colour{"#f3f0ff", "#5f3dc4"} // the second protocol
	beside = colour{"#f8f9fa", "#868e96"}
)

func colourOf(name string) colour {
	switch top, _, _ := strings.Cut(name, "/"); {
	case top == "contrib", name == "transport/p2p", name == "lbclient/debug":
		return optIn
	case top == "pyxis":
		return second
	}
	return core
}

const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]g %[2]g" width="%[1]g" height="%[2]g" role="img" aria-label="The packages of pinfleet and how they build on each other">
<!-- Drawn by tools/architecture: GOWORK=off go -C tools run ./architecture > docs/architecture.svg -->
<defs><marker id="a" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L10 5L0 10z" fill="#495057"/></marker></defs>
<style>text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#212529}.m{text-anchor:middle}.t{font-size:14px;font-weight:600}.s{font-size:12px;fill:#495057}.n{font-size:12px;font-weight:600}.e{fill:none;stroke:#495057;stroke-width:1.5}</style>
<rect x="0.5" y="0.5" width="%[3]g" height="%[4]g" rx="10" fill="#ffffff" stroke="#dee2e6"/>
`

// canvas collects the elements of the picture.
type canvas struct {
	bytes.Buffer
	right, bottom float64 // extent
}

func (c *canvas) text(x, y float64, class, text string) {
	fmt.Fprintf(c, "<text x=\"%g\" y=\"%g\" class=\"%s\">%s</text>\n", x, y, class, html.EscapeString(text))
}

func (c *canvas) box(x, y, w, h float64, of colour) {
	fmt.Fprintf(c, "<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" rx=\"8\" fill=\"%s\" stroke=\"%s\" stroke-width=\"1.5\"/>\n", x, y, w, h, of.fill, of.line)
	c.right, c.bottom = max(c.right, x+w), max(c.bottom, y+h)
}

// draw returns the picture: the library as placed, the legend, and the other
// packages below.
func draw(g *graph, layers [][]*node) []byte {
	c := &canvas{}
	for _, layer := range layers {
		for _, n := range layer {
			n.x += margin
			n.y += margin
		}
	}
	for _, layer := range layers {
		for _, n := range layer {
			c.arrows(n)
		}
	}
	for _, layer := range slices.Backward(layers) {
		for _, n := range layer {
			if n.name != "" {
				c.node(n)
			}
		}
	}
	c.legend()
	c.panels(g, c.bottom+margin)
	var out bytes.Buffer
	w, h := c.right+margin, c.bottom+margin
	fmt.Fprintf(&out, head, w, h, w-1, h-1)
	out.Write(c.Bytes())
	out.WriteString("</svg>\n")
	return out.Bytes()
}

func (c *canvas) node(n *node) {
	lines := wrap(captions[n.name], boxWidth-2*padding)
	x, y := n.x-boxWidth/2, n.y-boxHeight/2
	c.box(x, y, boxWidth, boxHeight, colourOf(n.name))
	base := n.y - float64(len(lines))*textLine/2 + titleSize/2 - 2
	c.text(n.x, base, "m t", n.name)
	for i, line := range lines {
		c.text(n.x, base+float64(i+1)*textLine+1, "m s", line)
	}
}

// arrows draws the arrows that begin at a box, to the boxes where they end.
func (c *canvas) arrows(n *node) {
	if n.name == "" {
		return
	}
	for _, to := range n.down {
		x, y := n.x+port(n, n.down, to), n.y+boxHeight/2
		var path strings.Builder
		fmt.Fprintf(&path, "M%g %g", x, y)
		from := n
		for to.name == "" {
			curve(&path, &x, &y, to.x, to.y-boxHeight/2)
			fmt.Fprintf(&path, "V%g", to.y+boxHeight/2)
			y = to.y + boxHeight/2
			from, to = to, to.down[0]
		}
		curve(&path, &x, &y, to.x+port(to, to.up, from), to.y-boxHeight/2-2)
		fmt.Fprintf(c, "<path d=\"%s\" class=\"e\" marker-end=\"url(#a)\"/>\n", &path)
	}
}

// port returns where the arrow to or from other meets a box, relative to the
// box's centre. The arrows of one side are in the order of their other ends.
func port(n *node, others []*node, other *node) float64 {
	sorted := slices.Clone(others)
	slices.SortStableFunc(sorted, func(a, b *node) int { return int(a.x - b.x) })
	share := math.Floor(boxWidth * 0.6 / float64(len(sorted)))
	return (float64(slices.Index(sorted, other)) - float64(len(sorted)-1)/2) * share
}

func curve(path *strings.Builder, x, y *float64, toX, toY float64) {
	half := (*y + toY) / 2
	fmt.Fprintf(path, "C%g %g %g %g %g %g", *x, half, toX, half, toX, toY)
	*x, *y = toX, toY
}

// panels lists the packages that are not in the graph, in columns.
func (c *canvas) panels(g *graph, top float64) {
	for i, column := range columns {
		y := top
		for _, r := range column {
			y = c.panel(g, r, margin+float64(i)*(panelWidth+panelGap), y) + panelGap
		}
	}
}

// legend draws the legend below the graph.
func (c *canvas) legend() {
	c.bottom += margin / 2
	for _, line := range legend {
		c.bottom += textLine
		c.text(margin, c.bottom, "s", line)
	}
}

var legend = []string{
	"An arrow is an import; those that follow from other arrows are left out.",
	"Packages in orange are linked only by programs that ask for them.",
}

// panel lists the packages of a room, those with a caption first. It returns
// the bottom of the panel.
func (c *canvas) panel(g *graph, r room, x, y float64) float64 {
	inside := panelWidth - 2*padding
	var text canvas // drawn when the height of the box is known
	var others []string
	base := y + padding + titleSize - 3
	text.text(x+padding, base, "t", string(r)+"/")
	write := func(class string, lines ...string) {
		for _, line := range lines {
			base += textLine
			text.text(x+padding, base, class, line)
		}
	}
	for _, name := range g.rooms[r] {
		short := strings.TrimPrefix(name, string(r)+"/")
		if captions[name] == "" {
			others = append(others, short)
			continue
		}
		base += entryGap
		write("n", short)
		write("s", wrap(captions[name], inside)...)
	}
	if len(others) > 0 {
		base += entryGap
		write("s", wrap("and "+strings.Join(others, ", "), inside)...)
	}
	end := base + padding
	c.box(x, y, panelWidth, end-y, beside)
	c.Write(text.Bytes())
	return end
}

// wrap breaks text into lines that are not wider than width.
func wrap(text string, width float64) []string {
	var lines []string
	for _, word := range strings.Fields(text) {
		if last := len(lines) - 1; last >= 0 && textWidth(lines[last]+" "+word) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

// titleWidth returns an upper estimate of the width of text of titleSize, which is
// bold.
func titleWidth(text string) float64 { return textWidth(text) * 1.15 * titleSize / textSize }

// textWidth returns an upper estimate of the width of text of textSize. The
// factors are the widths of four kinds of characters in DejaVu Sans, a wide font.
func textWidth(text string) float64 {
	width := 0.0
	for _, r := range text {
		switch {
		case strings.ContainsRune("ijlI.,:;'|!/ft()[] ", r):
			width += 0.36
		case strings.ContainsRune("mwMW@", r):
			width += 0.98
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			width += 0.70
		default:
			width += 0.61
		}
	}
	return width * textSize
}
