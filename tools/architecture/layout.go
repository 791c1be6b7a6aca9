package main

import (
	"cmp"
	"math"
	"slices"
)

// Sizes of the graph, in pixels.
const (
	boxWidth  = 180.0
	boxHeight = 60.0
	boxGap    = 12.0 // between boxes of a layer
	layerGap  = 36.0
	waypoint  = 8.0 // width of an arrow that passes a layer
)

// node is a box of the graph. Without a name, it is the place where an arrow
// passes a layer.
type node struct {
	name  string
	layer int
	x, y  float64 // of its centre
	down  []*node // its imports
	up    []*node
}

func (n *node) width() float64 {
	if n.name == "" {
		return waypoint
	}
	return boxWidth
}

// layout arranges the packages of the library in layers, with Sugiyama's
// method. Arrows go from one layer to the next, with few crossings.
func layout(g *graph) [][]*node {
	layers := arrange(g)
	best, crossings := clone(layers), countCrossings(layers)
	for i := range 20 {
		sweep(layers, i%2 == 0)
		if c := countCrossings(layers); c < crossings {
			best, crossings = clone(layers), c
		}
	}
	place(best)
	return best
}

// arrange returns the nodes by layer, the lowest first. Within a layer they are
// sorted by name.
func arrange(g *graph) [][]*node {
	height := g.layers()
	var layers [][]*node
	add := func(n *node) *node {
		for len(layers) <= n.layer {
			layers = append(layers, nil)
		}
		layers[n.layer] = append(layers[n.layer], n)
		return n
	}
	nodes := map[string]*node{}
	for _, name := range g.rooms[library] {
		nodes[name] = add(&node{name: name, layer: height[name]})
	}
	for _, name := range g.rooms[library] {
		for _, to := range g.imports[name] {
			from := nodes[name]
			for layer := from.layer - 1; layer > height[to]; layer-- {
				from = join(from, add(&node{layer: layer}))
			}
			join(from, nodes[to])
		}
	}
	return layers
}

func join(from, to *node) *node {
	from.down, to.up = append(from.down, to), append(to.up, from)
	return to
}

func clone(layers [][]*node) [][]*node {
	copied := make([][]*node, len(layers))
	for i, layer := range layers {
		copied[i] = slices.Clone(layer)
	}
	return copied
}

// sweep sorts each layer by the positions of its neighbours in the layer before.
func sweep(layers [][]*node, downwards bool) {
	at := positions(layers)
	for i := range layers {
		neighbours := func(n *node) []*node { return n.down }
		if downwards {
			i = len(layers) - 1 - i
			neighbours = func(n *node) []*node { return n.up }
		}
		middle := func(n *node) float64 {
			if len(neighbours(n)) == 0 {
				return at[n]
			}
			return mean(neighbours(n), func(m *node) float64 { return at[m] })
		}
		slices.SortStableFunc(layers[i], func(a, b *node) int { return cmp.Compare(middle(a), middle(b)) })
		for k, n := range layers[i] {
			at[n] = position(k, len(layers[i]))
		}
	}
}

func positions(layers [][]*node) map[*node]float64 {
	at := map[*node]float64{}
	for _, layer := range layers {
		for k, n := range layer {
			at[n] = position(k, len(layer))
		}
	}
	return at
}

// position returns the position of the k-th of n nodes, between 0 and 1.
func position(k, n int) float64 { return (float64(k) + 0.5) / float64(n) }

func mean(nodes []*node, value func(*node) float64) float64 {
	sum := 0.0
	for _, n := range nodes {
		sum += value(n)
	}
	return sum / float64(len(nodes))
}

func countCrossings(layers [][]*node) int {
	at := positions(layers)
	crossings := 0
	for _, layer := range layers {
		for i, a := range layer {
			for _, b := range layer[i+1:] {
				for _, x := range a.down {
					for _, y := range b.down {
						if at[x] > at[y] {
							crossings++
						}
					}
				}
			}
		}
	}
	return crossings
}

// place sets the coordinates of the nodes. It places each one as near to its
// neighbours as the others of its layer permit. The top left corner of the
// graph is 0, 0.
func place(layers [][]*node) {
	for i, layer := range layers {
		x := 0.0
		for _, n := range layer {
			n.x, n.y = x+n.width()/2, float64(len(layers)-1-i)*(boxHeight+layerGap)+boxHeight/2
			x += n.width() + boxGap
		}
	}
	for i := range 200 {
		for k := range layers {
			if i%2 == 0 {
				k = len(layers) - 1 - k
			}
			settle(layers[k])
		}
	}
	left := math.Inf(1)
	for _, layer := range layers {
		left = min(left, layer[0].x-layer[0].width()/2)
	}
	for _, layer := range layers {
		for _, n := range layer {
			n.x = math.Round(n.x - left)
		}
	}
}

// settle moves each node of a layer towards the middle of its neighbours in
// other layers. It keeps the order of the nodes and the gaps between them, and
// minimizes the sum of the squares of the distances to these middles.
func settle(layer []*node) {
	type block struct{ sum, count float64 } // of the preferred positions of adjacent nodes
	var blocks []block
	offsets := make([]float64, len(layer))
	for i, n := range layer {
		if i > 0 {
			offsets[i] = offsets[i-1] + layer[i-1].width()/2 + boxGap + n.width()/2
		}
		wish := n.x
		if neighbours := slices.Concat(n.up, n.down); len(neighbours) > 0 {
			wish = mean(neighbours, func(m *node) float64 { return m.x })
		}
		blocks = append(blocks, block{wish - offsets[i], 1})
		for k := len(blocks) - 1; k > 0 && blocks[k-1].sum/blocks[k-1].count > blocks[k].sum/blocks[k].count; k-- {
			blocks[k-1].sum += blocks[k].sum
			blocks[k-1].count += blocks[k].count
			blocks = blocks[:k]
		}
	}
	i := 0
	for _, b := range blocks {
		for range int(b.count) {
			layer[i].x = b.sum/b.count + offsets[i]
			i++
		}
	}
}
