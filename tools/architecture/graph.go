package main

import (
	"maps"
	"slices"
	"strings"
)

// room is the part of the picture that shows a package.
type room string

const (
	library  room = "" // the graph itself
	tests    room = "test"
	examples room = "examples"
	commands room = "cmd"
	internal room = "internal"
	folded   room = "folded" // shown as part of the package that it is internal to
)

// columns are the rooms below the graph, from left to right and from top to bottom.
var columns = [][]room{{commands, internal}, {tests}, {examples}}

func roomOf(name string) room {
	switch top, _, _ := strings.Cut(name, "/"); {
	case strings.Contains(name, "/internal/"):
		return folded
	case slices.Contains(slices.Concat(columns...), room(top)):
		return room(top)
	}
	return library
}

// graph holds the imports of packages. It omits imports that follow from
// others, and internal packages: their imports count as imports of their importers.
type graph struct {
	imports map[string][]string // sorted
	rooms   map[room][]string   // sorted
}

func newGraph(imports map[string][]string) *graph {
	g := &graph{imports: map[string][]string{}, rooms: map[room][]string{}}
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		r := roomOf(name)
		g.rooms[r] = append(g.rooms[r], name)
		if r != internal && r != folded {
			g.imports[name] = visible(imports, name)
		}
	}
	full := maps.Clone(g.imports)
	for name := range g.imports {
		g.imports[name] = reduce(full, name)
	}
	return g
}

// visible returns the visible packages among the imports of the named package.
// It replaces internal packages by the visible packages that they import.
func visible(imports map[string][]string, name string) []string {
	found := map[string]bool{}
	passed := map[string]bool{}
	var visit func(string)
	visit = func(from string) {
		for _, to := range imports[from] {
			hidden := roomOf(to) == internal || roomOf(to) == folded
			switch {
			case !hidden && to != name:
				found[to] = true
			case hidden && !passed[to]:
				passed[to] = true
				visit(to)
			}
		}
	}
	visit(name)
	return slices.Sorted(maps.Keys(found))
}

// reduce returns the imports of name that do not follow from the others.
func reduce(imports map[string][]string, name string) []string {
	var needed []string
	for _, to := range imports[name] {
		follows := slices.ContainsFunc(imports[name], func(via string) bool {
			return via != to && reaches(imports, via, to)
		})
		if !follows {
			needed = append(needed, to)
		}
	}
	return needed
}

func reaches(imports map[string][]string, from, to string) bool {
	return slices.ContainsFunc(imports[from], func(next string) bool {
		return next == to || reaches(imports, next, to)
	})
}

// layers returns the layer of each package of the library. A package is above
// all its imports, and as close as possible below its lowest importer.
func (g *graph) layers() map[string]int {
	above := map[string]int{}
	var height func(string) int
	height = func(name string) int {
		if h, ok := above[name]; ok {
			return h
		}
		h := 0
		for _, to := range g.imports[name] {
			h = max(h, height(to)+1)
		}
		above[name] = h
		return h
	}
	names := slices.Clone(g.rooms[library])
	for _, name := range names {
		height(name)
	}
	// From the top down, so that the layers of importers are final.
	slices.SortStableFunc(names, func(a, b string) int { return above[b] - above[a] })
	for _, name := range names {
		lowest := -1
		for _, from := range names {
			if slices.Contains(g.imports[from], name) && (lowest < 0 || above[from] < lowest) {
				lowest = above[from]
			}
		}
		if lowest > 0 {
			above[name] = lowest - 1
		}
	}
	return above
}
