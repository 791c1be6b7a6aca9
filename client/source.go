package client

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pinfleet/pinfleet/api"
)

// formatCAR is the format of an add whose source is a CAR file.
const formatCAR = "car"

// node is one file-system node, or web source, to be uploaded.
type node struct {
	dir  string // path of its directory in the upload, escaped; empty for a root
	name string
	path string      // where it is in the file system; empty for a web source
	info fs.FileInfo // nil for a web source and for a file that is to be opened
	web  *url.URL    // where it is in the web, as given
}

// newRoots looks at what the paths of an Add name. Everything wrong is
// reported at once.
func newRoots(paths []string, params *api.AddParams) ([]node, error) {
	if len(paths) == 0 {
		return nil, invalid(OpAdd, "nothing to add: no paths given")
	}
	if params.Format == formatCAR && len(paths) > 1 {
		return nil, invalid(OpAdd, "a CAR is added alone")
	}
	var (
		roots []node
		errs  []error
		named = map[string]node{}
	)
	for _, p := range paths {
		root, err := newRoot(p, params)
		if other, taken := named[root.name]; err == nil && taken {
			err = fmt.Errorf("%w: %s and %s would both be named %s: add them one by one", ErrInvalid, other, root, root.name)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		named[root.name] = root
		roots = append(roots, root)
	}
	if len(errs) > 0 {
		return nil, &Error{Op: OpAdd, Err: errors.Join(errs...)}
	}
	return roots, nil
}

// newRoot looks at what p names. Only http:// and https:// are web sources;
// all else is a file, whatever it looks like (U23).
func newRoot(p string, params *api.AddParams) (node, error) {
	switch {
	case strings.HasPrefix(p, "http://"), strings.HasPrefix(p, "https://"):
		return newWebRoot(p)
	case params.NoCopy:
		return node{}, fmt.Errorf("%w: %s: NoCopy works for http:// and https:// sources only", ErrInvalid, p)
	case p == "":
		return node{}, fmt.Errorf("%w: empty path", ErrInvalid)
	}
	abs, err := locate(p)
	if err != nil {
		return node{}, fmt.Errorf("%w: %w", ErrSource, err)
	}
	info, err := os.Lstat(abs)
	if err != nil {
		return node{}, fmt.Errorf("%w: %w", ErrSource, err)
	}
	n := node{name: filepath.Base(abs), path: abs, info: info}
	switch {
	case filepath.Dir(abs) == abs:
		return node{}, fmt.Errorf("%w: %s has no name: name what is in it", ErrInvalid, p)
	case params.Format == formatCAR && !info.Mode().IsRegular():
		return node{}, fmt.Errorf("%w: %s is not a CAR file", ErrInvalid, p)
	case info.IsDir() && !params.Recursive:
		return node{}, fmt.Errorf("%w: %s is a directory: set Recursive to add directories", ErrInvalid, p)
	}
	return n, n.check()
}

// locate returns the absolute path of what p names: "." and ".." have a real
// name, and the elements before the last are resolved as the system does, for
// "a/.." is not "." if a is a symlink. Where there is nothing of the kind, the
// system is not asked.
func locate(p string) (string, error) {
	trimmed := strings.TrimRight(p, string(filepath.Separator))
	dir, base := filepath.Split(trimmed)
	switch {
	case base == "", base == ".", base == "..":
		dir, base = p, ""
	case !strings.Contains(dir, ".."):
		return filepath.Abs(trimmed)
	}
	if dir == "" {
		dir = "."
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	// The working directory may be known by the name of a symlink to it.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", err
	}
	return filepath.Join(dir, base), nil
}

// newWebRoot looks at the address of a web source. It is named after the last
// element of the path, and after the host if there is none.
func newWebRoot(p string) (node, error) {
	u, err := url.Parse(p)
	switch {
	case err != nil:
		// Neither the address nor the cause, which quotes parts of it, is shown:
		// there might be a password in it.
		return node{}, fmt.Errorf("%w: the address of a web source is malformed: special characters need to be escaped", ErrInvalid)
	case u.Hostname() == "":
		return node{}, fmt.Errorf("%w: the address of a web source is malformed: it has no host", ErrInvalid)
	}
	name := path.Base(path.Clean("/" + u.Path))
	if name == "/" {
		name = u.Hostname()
	}
	return node{name: name, web: u}, nil
}

// String names the node in errors. Of an address it shows neither credentials
// nor the query, which often is one.
func (n node) String() string {
	if n.web != nil {
		return (&url.URL{Scheme: n.web.Scheme, Host: n.web.Host, Path: n.web.Path}).String()
	}
	return n.path
}

// check refuses nodes that cannot be uploaded.
func (n node) check() error {
	if n.info == nil {
		return nil
	}
	if t := n.info.Mode().Type(); t != 0 && t != fs.ModeDir && t != fs.ModeSymlink {
		return fmt.Errorf("%w: %s is neither a file, a directory nor a symlink", ErrInvalid, n)
	}
	return nil
}

// walker visits nodes depth-first, a directory before its children and these
// sorted by name. It keeps the names of one directory per level.
type walker struct {
	hidden bool
	levels []level
}

// level is what is left to visit of a directory, or of the roots.
type level struct {
	nodes   []node        // roots
	dir     string        // path in the upload, escaped
	path    string        // with a separator behind it
	entries []fs.DirEntry // sorted
}

// next returns the next node; io.EOF is the end.
func (w *walker) next() (node, error) {
	n, err := w.step()
	if err != nil {
		return n, err
	}
	if err := n.check(); err != nil {
		return n, err
	}
	if n.info != nil && n.info.IsDir() {
		return n, w.push(n)
	}
	return n, nil
}

func (w *walker) step() (node, error) {
	for len(w.levels) > 0 {
		l := &w.levels[len(w.levels)-1]
		switch {
		case len(l.nodes) > 0:
			n := l.nodes[0]
			l.nodes = l.nodes[1:]
			return n, nil
		case len(l.entries) > 0:
			e := l.entries[0]
			l.entries = l.entries[1:]
			if !w.hidden && strings.HasPrefix(e.Name(), ".") {
				continue
			}
			return l.child(e)
		}
		w.levels = w.levels[:len(w.levels)-1]
	}
	return node{}, io.EOF
}

// child returns the node of a directory entry.
func (l *level) child(e fs.DirEntry) (node, error) {
	n := node{dir: l.dir, name: e.Name(), path: l.path + e.Name()}
	if e.Type().IsRegular() {
		return n, nil
	}
	var err error
	n.info, err = os.Lstat(n.path)
	return n, err
}

// push puts the children of a directory in line.
func (w *walker) push(dir node) error {
	entries, err := os.ReadDir(dir.path)
	if err != nil {
		return err
	}
	var name []byte
	if dir.dir != "" {
		name = append(append(name, dir.dir...), "%2F"...)
	}
	w.levels = append(w.levels, level{
		dir:     string(appendEscaped(name, dir.name)),
		path:    dir.path + string(filepath.Separator),
		entries: entries,
	})
	return nil
}
