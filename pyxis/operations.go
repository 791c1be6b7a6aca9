package pyxis

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis/node"
	"github.com/pinfleet/pinfleet/pyxis/watch"
)

// ReadOption holds the options of Read.
type ReadOption struct {
	// ShowHidden includes children whose names begin with '_'.
	ShowHidden bool
}

// WriteOption holds the options of Create, Write and Delete.
type WriteOption struct {
	// IsEphemeral makes Create create an ephemeral node. Write and Delete ignore it.
	IsEphemeral bool
}

// Create creates a node with the given data, which may be nil. Its parent must
// exist (else ErrNotFound) and must not be ephemeral (else ErrInvalidArgument).
// Nothing can be created below "/pyxis". An ephemeral node belongs to the
// client's session and is deleted with it. Data is at most 1 MiB. A nil opt
// means the defaults.
func (c *Client) Create(opt *WriteOption, path string, data []byte) error {
	if err := checkWrite("create", path, data); err != nil {
		return err
	}
	if path == "/" || strings.HasPrefix(path, pyxiswire.Reserved) {
		return invalid("create", path, "nothing can be created here, paths that begin with /pyxis are the server's")
	}
	flags := node.Persistent
	if opt != nil && opt.IsEphemeral {
		flags = node.Ephemeral
	}
	_, err := c.core.do(c.ctx, request{op: "create", path: path, mutates: true, m: &pyxiswire.Request{
		Create: &pyxiswire.CreateRequest{Path: &path, Flags: proto.Int32(int32(flags)), Data: data},
	}})
	return err
}

// Delete deletes a node that has no children. A nil opt means the defaults.
func (c *Client) Delete(opt *WriteOption, path string) error {
	if err := checkPath("delete", path); err != nil {
		return err
	}
	_, err := c.core.do(c.ctx, request{op: "delete", path: path, mutates: true, m: &pyxiswire.Request{
		Delete: &pyxiswire.DeleteRequest{Path: &path},
	}})
	return err
}

// Write replaces a node's data; nil means empty data. A node with its
// attributes and the names of its children is at most 1 MiB. There is no
// compare-and-set. A nil opt means the defaults.
func (c *Client) Write(opt *WriteOption, path string, data []byte) error {
	if err := checkWrite("write", path, data); err != nil {
		return err
	}
	if data == nil {
		data = []byte{} // the field is required
	}
	_, err := c.core.do(c.ctx, request{op: "write", path: path, mutates: true, m: &pyxiswire.Request{
		Write: &pyxiswire.WriteRequest{Path: &path, Data: data},
	}})
	return err
}

// Read returns a node. If w is not nil, it also receives the next event after
// this read, once; see Watcher. The watcher is set when Read succeeds, and also
// when Read fails with ErrNotFound, so that a caller can wait for the creation. A
// nil opt means the defaults.
//
// A Read that fails with its connection or session is repeated in the next one,
// until its context is done.
func (c *Client) Read(opt *ReadOption, path string, w *Watcher) (*node.Node, error) {
	if err := checkPath("read", path); err != nil {
		return nil, err
	}
	r := request{op: "read", path: path, m: stat(path)}
	if w != nil {
		end, err := c.watchOnce(&r, *w)
		if err != nil {
			return nil, err
		}
		defer end()
	}
	answer, err := c.core.do(c.ctx, r)
	if err != nil {
		return nil, err
	}
	stored, err := decodeNode(answer)
	if err != nil {
		return nil, &Error{Op: "read", Path: path, Err: err}
	}
	return newNode(stored, opt != nil && opt.ShowHidden), nil
}

// watchOnce makes a read set w.
func (c *Client) watchOnce(r *request, w Watcher) (end func(), err error) {
	switch {
	case w.Done == nil:
		return nil, invalid("read", r.path, "the watcher has no channel, set Watcher.Done")
	case w.scope().mask&watch.Nodes == 0:
		return nil, invalid("read", r.path, "the watcher's Filter has no event of a node, add one or leave it 0 for all")
	}
	watches := c.core.watches
	sc, before := watches.begin(r.path, &w)
	r.m.Watch = watchRequest(r.path, sc)
	r.settle = func(s *session, answer *pyxiswire.Response, awaited bool) {
		if !mayWatch(answer) {
			return
		}
		watches.set(r.path, sc, s.keeper.beats)
		// Otherwise Read fails, or goes on in the next session.
		if _, err := decodeNode(answer); answer != nil && awaited && err == nil {
			watches.add(r.path, &w, before)
		}
	}
	return func() { watches.end(r.path) }, nil
}

// stat returns a request that reads a node.
func stat(path string) *pyxiswire.Request {
	return &pyxiswire.Request{Stat: &pyxiswire.StatRequest{Path: &path}}
}

// watchRequest returns the part of a request that watches a node.
func watchRequest(path string, sc scope) *pyxiswire.WatchRequest {
	return &pyxiswire.WatchRequest{Path: &path, Watch: proto.Uint32(uint32(sc.mask)), Recursive: &sc.recursive}
}

// mayWatch reports whether the server may have set the watch of a read with the
// given answer, which is nil if the connection was lost.
func mayWatch(answer *pyxiswire.Response) bool {
	return answer == nil || codeOf(answer) == pyxiswire.ErrorType_NONE || codeOf(answer) == pyxiswire.ErrorType_NOT_FOUND
}

// decodeNode decodes the answer to a stat.
func decodeNode(answer *pyxiswire.Response) (*pyxiswire.Node, error) {
	stored := new(pyxiswire.Node)
	if err := proto.Unmarshal(answer.GetData(), stored); err != nil {
		return nil, because(ErrUnknown, err)
	}
	return stored, nil
}

// newNode converts a node of the protocol.
func newNode(stored *pyxiswire.Node, showHidden bool) *node.Node {
	n := &node.Node{
		Data:    stored.Data,
		Flags:   node.Flags(stored.GetFlags()),
		Version: stored.GetVersion(),
		Owner:   stored.GetSid(),
	}
	if n.Data == nil {
		n.Data = []byte{}
	}
	for _, name := range stored.Children {
		if showHidden || !strings.HasPrefix(name, "_") {
			n.Children = append(n.Children, name)
		}
	}
	return n
}

// checkPath returns an error for a path that the server would reject or never
// find.
func checkPath(op, path string) error {
	switch {
	case !pyxiswire.ValidPath(path):
		return invalid(op, path, fmt.Sprintf("a path begins with /, has at most %d bytes and only letters, digits and _ / . -", pyxiswire.MaxPath))
	case strings.Contains(path, "//"), len(path) > 1 && path[len(path)-1] == '/':
		return invalid(op, path, "a path has no empty components, remove the extra /")
	}
	return nil
}

func checkWrite(op, path string, data []byte) error {
	if len(data) > pyxiswire.MaxNode {
		return invalid(op, path, fmt.Sprintf("%d bytes of data, at most %d fit into a node", len(data), pyxiswire.MaxNode))
	}
	return checkPath(op, path)
}

// invalid returns the error for an argument that the client rejects itself.
func invalid(op, path, remedy string) error {
	return &Error{Op: op, Path: limit(path), Err: fmt.Errorf("%w: %s", ErrInvalidArgument, remedy)}
}
