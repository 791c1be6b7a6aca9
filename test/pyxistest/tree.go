package pyxistest

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

const root = "/"

// tree maps paths to stored nodes. Paths are not normalized: "/a" and "/a/" are different.
type tree map[string]*treeNode

type treeNode struct {
	data     []byte // replaced, never modified
	children []string
	// childBytes is the size of the children in the node's encoding, which is limited.
	childBytes int
	flags      uint32
	version    uint64
	sid        uint64 // of the creator; 0 only for "/"
}

func newTree() tree {
	t := tree{root: {}}
	t[root].addChild(strings.TrimPrefix(pyxiswire.Reserved, root))
	return t
}

func (t tree) clone() tree {
	c := make(tree, len(t))
	for path, n := range t {
		twin := *n
		twin.children = slices.Clone(n.children)
		c[path] = &twin
	}
	return c
}

// split splits a path at its last slash. ok is false if there is none.
func split(path string) (parent, name string, ok bool) {
	cut := strings.LastIndexByte(path, '/')
	if cut < 0 {
		return "", "", false
	}
	if cut == 0 {
		return root, path[1:], true
	}
	return path[:cut], path[cut+1:], true
}

func ephemeral(flags int32) bool { return flags&pyxiswire.FlagEphemeral != 0 }

// create adds a node. The order of its checks is that of the real server.
func (t tree) create(path string, flags int32, data []byte, sid uint64) *Error {
	parentPath, name, ok := split(path)
	switch {
	case strings.HasPrefix(path, pyxiswire.Reserved):
		return errReserved
	case len(data) > pyxiswire.MaxNode:
		return errTooBig
	case !ok || name == "":
		return invalidPath(path)
	case t[path] != nil:
		return failure(CodeExist, path)
	case !pyxiswire.ValidPath(path):
		return invalidPath(path)
	}
	parent := t[parentPath]
	switch {
	case parent == nil:
		return notFound(parentPath)
	case ephemeral(int32(parent.flags)):
		return errParent
	case parent.size(parent.data)+childSize(name) > pyxiswire.MaxNode:
		return errTooBig
	}
	parent.addChild(name)
	t[path] = &treeNode{data: data, flags: uint32(flags), sid: sid}
	return nil
}

// remove deletes a node that has no children.
func (t tree) remove(path string) *Error {
	n := t[path]
	switch {
	case !pyxiswire.ValidPath(path):
		return invalidPath(path)
	case n == nil:
		return notFound(path)
	case path == root:
		return invalidPath(path)
	case len(n.children) > 0:
		return errChildren
	}
	delete(t, path)
	if parent, name, _ := split(path); t[parent] != nil {
		t[parent].removeChild(name)
	}
	return nil
}

// write replaces the data of a node.
func (t tree) write(path string, data []byte) *Error {
	n := t[path]
	switch {
	case !pyxiswire.ValidPath(path):
		return invalidPath(path)
	case n == nil:
		return notFound(path)
	case n.size(data) > pyxiswire.MaxNode:
		return errTooBig
	}
	n.data = data
	n.version++
	return nil
}

func (n *treeNode) addChild(name string) {
	n.children = append(n.children, name)
	n.childBytes += childSize(name)
}

// removeChild moves the last child to the place of the removed one.
func (n *treeNode) removeChild(name string) {
	i := slices.Index(n.children, name)
	if i < 0 {
		return
	}
	last := len(n.children) - 1
	n.children[i] = n.children[last]
	n.children = n.children[:last]
	n.childBytes -= childSize(name)
}

// tagSize is the size of a field's tag. All field numbers of a Node are below 16.
const tagSize = 1

func childSize(name string) int { return tagSize + protowire.SizeBytes(len(name)) }

// size returns the length of the node's encoding with the given data.
func (n *treeNode) size(data []byte) int {
	size := tagSize + protowire.SizeBytes(len(data)) + n.childBytes +
		tagSize + protowire.SizeVarint(uint64(n.flags)) + tagSize + protowire.SizeVarint(n.version)
	if n.sid != 0 {
		size += tagSize + protowire.SizeVarint(n.sid)
	}
	return size
}

// message returns the node as stat returns it. Empty data is present, not omitted.
func (n *treeNode) message() *pyxiswire.Node {
	m := &pyxiswire.Node{
		Data:     n.data,
		Children: n.children,
		Flags:    proto.Uint32(n.flags),
		Version:  proto.Uint64(n.version),
	}
	if m.Data == nil {
		m.Data = []byte{}
	}
	if n.sid != 0 {
		m.Sid = proto.Uint64(n.sid)
	}
	return m
}
