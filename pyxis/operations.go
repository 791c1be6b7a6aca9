package pyxis

import (
	"errors"
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
// this read, once. The watcher is set when Read succeeds, and also when Read
// fails with ErrNotFound, so that a caller can wait for the creation. A nil opt
// means the defaults.
func (c *Client) Read(opt *ReadOption, path string, w *Watcher) (*node.Node, error) {
	if err := checkPath("read", path); err != nil {
		return nil, err
	}
	r := request{op: "read", path: path, m: &pyxiswire.Request{Stat: &pyxiswire.StatRequest{Path: &path}}}
	if w != nil {
		if w.Done == nil {
			return nil, invalid("read", path, "the watcher has no channel, set Watcher.Done")
		}
		kept := *w
		r.m = statAndWatch(path)
		r.settle = func(_ *session, answer *pyxiswire.Response) {
			if now, ok := fingerprintOfAnswer(answer); ok {
				c.core.watches.set(path, now, &kept)
			}
		}
		c.core.watches.reading(path)
	}
	answer, err := c.core.do(c.ctx, r)
	if w != nil {
		refused, ok := errors.AsType[*Error](err)
		c.core.watches.read(path, err == nil || ok && refused.Code != 0)
	}
	if err != nil {
		return nil, err
	}
	stored, err := decodeNode(answer)
	if err != nil {
		return nil, &Error{Op: "read", Path: path, Err: err}
	}
	return newNode(stored, opt != nil && opt.ShowHidden), nil
}

// statAndWatch returns a request that reads a node and watches it. The watch
// covers all events and the whole subtree, because the server holds one watch
// per path and cannot widen it.
func statAndWatch(path string) *pyxiswire.Request {
	return &pyxiswire.Request{
		Stat: &pyxiswire.StatRequest{Path: &path},
		Watch: &pyxiswire.WatchRequest{
			Path: &path, Watch: proto.Uint32(uint32(watch.All)), Recursive: proto.Bool(true),
		},
	}
}

// decodeNode decodes the answer to a stat.
func decodeNode(answer *pyxiswire.Response) (*pyxiswire.Node, error) {
	stored := new(pyxiswire.Node)
	if err := proto.Unmarshal(answer.GetData(), stored); err != nil {
		return nil, because(ErrUnknown, err)
	}
	return stored, nil
}

// fingerprintOfAnswer returns the fingerprint of the node in the answer to
// statAndWatch. ok reports whether the watch was set.
func fingerprintOfAnswer(answer *pyxiswire.Response) (now fingerprint, ok bool) {
	switch codeOf(answer) {
	case pyxiswire.ErrorType_NOT_FOUND:
		return fingerprint{}, true
	case pyxiswire.ErrorType_NONE:
		if stored, err := decodeNode(answer); err == nil {
			return fingerprintOf(stored), true
		}
	}
	return fingerprint{}, false
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
