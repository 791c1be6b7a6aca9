package oracle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/ipfs/boxo/files"
	"pgregory.net/rapid"
)

// tree is a file, a symlink or a directory to import.
type tree struct {
	kind     treeKind
	data     content
	text     []byte   // follows data in a file
	target   string   // of a symlink
	names    []string // of the entries of a directory, parallel to children
	children []tree
}

type treeKind int

const (
	aFile treeKind = iota
	aSymlink
	aDirectory
)

// content describes the bytes of a file: random ones, repeated with the given
// period, or only zeros if the seed is 0.
type content struct {
	seed   uint32
	size   int
	period int
}

func (c content) bytes() []byte {
	b := make([]byte, 0, c.size+4)
	for x := c.seed; len(b) < min(c.size, c.period); {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	if len(b) > 0 {
		b = bytes.Repeat(b, c.size/len(b)+1)
	}
	return b[:c.size]
}

// bytes returns the content of a file.
func (t tree) bytes() []byte { return append(t.data.bytes(), t.text...) }

// node returns a new tree to import. It can be read once.
func (t tree) node() files.Node {
	switch t.kind {
	case aFile:
		return files.NewReaderFile(bytes.NewReader(t.bytes()))
	case aSymlink:
		return files.NewLinkFile(t.target, nil)
	default:
		entries := make([]files.DirEntry, len(t.names))
		for i, name := range t.names {
			entries[i] = files.FileEntry(name, t.children[i].node())
		}
		return files.NewSliceDirectory(entries)
	}
}

// drawName draws the name of an entry: any bytes but slashes, except the two
// names that are no entries.
func drawName(t *rapid.T) string {
	name := string(rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "name"))
	name = strings.ReplaceAll(name, "/", "\\")
	if name == "." || name == ".." {
		return name + "x"
	}
	return name
}

// drawContent draws the content of a file for chunks of about the given size.
func drawContent(t *rapid.T, chunk int) content {
	// Enough for more than one level of nodes with small chunks, and for a few
	// chunks with large ones.
	most := min(chunk*1000, 3<<20)
	size := rapid.OneOf(
		rapid.IntRange(0, 100),
		rapid.IntRange(0, most),
		rapid.Map(rapid.IntRange(-1, 1), func(d int) int { return max(chunk+d, 0) }),
		rapid.Map(rapid.IntRange(-1, 1), func(d int) int { return max(min(174*chunk, most)+d, 0) }),
	).Draw(t, "size")
	return content{
		seed:   rapid.Uint32().Draw(t, "seed"),
		size:   size,
		period: rapid.SampledFrom([]int{8, 1000, 100_000, 8 << 20}).Draw(t, "period"),
	}
}

// drawTree draws a tree of at most the given depth.
func drawTree(t *rapid.T, chunk, depth int) tree {
	kinds := []treeKind{aFile, aFile, aSymlink}
	if depth > 0 {
		kinds = append(kinds, aDirectory, aDirectory)
	}
	switch kind := rapid.SampledFrom(kinds).Draw(t, "kind"); kind {
	case aFile:
		return tree{kind: kind, data: drawContent(t, chunk)}
	case aSymlink:
		return tree{kind: kind, target: string(rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, "target"))}
	default:
		return drawDirectory(t, chunk, depth-1)
	}
}

func drawDirectory(t *rapid.T, chunk, depth int) tree {
	d := tree{kind: aDirectory}
	seen := make(map[string]bool)
	for range rapid.IntRange(0, 5).Draw(t, "entries") {
		name := drawName(t)
		if seen[name] {
			continue
		}
		seen[name] = true
		d.names = append(d.names, name)
		d.children = append(d.children, drawTree(t, chunk, depth))
	}
	return d
}

// wideDirectory returns a directory whose names and CIDs have total
// bytes together, for CIDs of cidSize bytes.
func wideDirectory(total, cidSize int) tree {
	const nameSize = 200
	d := tree{kind: aDirectory}
	for i := 0; total > 0; i++ {
		// The last entry takes what is left.
		size := nameSize
		if left := total - cidSize - nameSize; left < cidSize+nameSize {
			size = total - cidSize
		}
		name := fmt.Sprintf("%06d", i)
		d.names = append(d.names, name+strings.Repeat("x", size-len(name)))
		d.children = append(d.children, tree{kind: aFile, data: content{size: i % 3}})
		total -= cidSize + size
	}
	return d
}
