package client

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pinfleet/pinfleet/api"
)

// node is one file-system node, or web source, to be uploaded.
type node struct {
	name string // path in the upload, separated by slashes
	path string // where it is in the file system
	url  string // where it is in the web; path is empty then
	info fs.FileInfo
}

// newRoots looks at what the paths of an Add name. Everything wrong is
// reported at once.
func newRoots(paths []string, params *api.AddParams) ([]node, error) {
	if len(paths) == 0 {
		return nil, invalid(OpAdd, "nothing to add: no paths given")
	}
	if params.Format == "car" && (len(paths) > 1 || params.Wrap) {
		return nil, invalid(OpAdd, "a CAR is added alone and unwrapped")
	}
	var (
		roots []node
		errs  []error
		names = map[string]string{}
	)
	for _, p := range paths {
		root, err := newRoot(p, params)
		if err == nil && names[root.name] != "" {
			err = fmt.Errorf("%w: %s and %s would both be named %s", ErrInvalid, names[root.name], p, root.name)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		names[root.name] = p
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
	if strings.HasPrefix(p, "http://") || strings.HasPrefix(p, "https://") {
		u, err := url.Parse(p)
		if err != nil {
			return node{}, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		name := path.Base(u.Path)
		if name == "/" || name == "." {
			name = u.Hostname()
		}
		return node{name: name, url: p}, nil
	}
	if params.NoCopy {
		return node{}, fmt.Errorf("%w: %s: NoCopy works for http:// and https:// sources only", ErrInvalid, p)
	}
	if p == "" {
		return node{}, fmt.Errorf("%w: empty path", ErrInvalid)
	}
	// The real name, also of "." and "..".
	abs, err := filepath.Abs(p)
	if err != nil {
		return node{}, fmt.Errorf("%w: %w", ErrSource, err)
	}
	info, err := os.Lstat(abs)
	if err != nil {
		return node{}, fmt.Errorf("%w: %w", ErrSource, err)
	}
	if info.IsDir() && !params.Recursive {
		return node{}, fmt.Errorf("%w: %s is a directory: set Recursive to add directories", ErrInvalid, p)
	}
	if info.IsDir() && params.Format == "car" {
		return node{}, fmt.Errorf("%w: %s is a directory, not a CAR file", ErrInvalid, p)
	}
	name := filepath.Base(abs)
	if name == string(filepath.Separator) {
		return node{}, fmt.Errorf("%w: the root directory has no name: name what is in it", ErrInvalid)
	}
	n := node{name: name, path: abs, info: info}
	return n, n.check()
}

// check refuses nodes that cannot be uploaded.
func (n node) check() error {
	if n.url != "" {
		return nil
	}
	if t := n.info.Mode().Type(); t != 0 && t != fs.ModeDir && t != fs.ModeSymlink {
		return fmt.Errorf("%w: %s is neither a file, a directory nor a symlink", ErrInvalid, n.path)
	}
	return nil
}

// walker visits nodes depth-first, a directory before its children and these
// sorted by name. It keeps the names of one directory per level.
type walker struct {
	hidden bool
	levels [][]node // what is left at each level, next one first
}

// next returns the next node; ok is false at the end.
func (w *walker) next() (n node, ok bool, err error) {
	for len(w.levels) > 0 {
		last := len(w.levels) - 1
		if len(w.levels[last]) == 0 {
			w.levels = w.levels[:last]
			continue
		}
		n, w.levels[last] = w.levels[last][0], w.levels[last][1:]
		if n.info == nil && n.url == "" {
			if n.info, err = os.Lstat(n.path); err != nil {
				return n, false, err
			}
		}
		if err := n.check(); err != nil {
			return n, false, err
		}
		if n.url == "" && n.info.IsDir() {
			if err := w.push(n); err != nil {
				return n, false, err
			}
		}
		return n, true, nil
	}
	return node{}, false, nil
}

// push puts the children of a directory in line.
func (w *walker) push(dir node) error {
	entries, err := os.ReadDir(dir.path) // sorted
	if err != nil {
		return err
	}
	children := make([]node, 0, len(entries))
	for _, e := range entries {
		if !w.hidden && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		children = append(children, node{
			name: dir.name + "/" + e.Name(),
			path: filepath.Join(dir.path, e.Name()),
		})
	}
	w.levels = append(w.levels, children)
	return nil
}
