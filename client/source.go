package client

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
)

// formatCAR is the AddParams.Format of a CAR file.
const formatCAR = "car"

// node is a file, directory, symlink or web source to upload.
type node struct {
	dir    string // path of its directory in the upload, escaped; empty for a root
	name   string
	target string      // last element of the path, for a root that is a symlink; else empty
	prefix string      // path of its directory in the file system, with a trailing separator
	parent *directory  // its open directory; nil for a root
	typ    fs.FileMode // type bits
	meta   metadata    // of a directory that the walker has opened
	web    *url.URL    // address of a web source, as given
}

// path returns the path in the file system.
func (n node) path() string { return n.prefix + cmp.Or(n.target, n.name) }

// inUpload returns the path in the upload, escaped.
func (n node) inUpload() string {
	var b []byte
	if n.dir != "" {
		b = append(append(b, n.dir...), "%2F"...)
	}
	return string(appendEscaped(b, n.name))
}

// newRoots returns a node for each path of an Add. The error lists all faults.
func newRoots(paths []string, params *api.AddParams, web *config.WebPolicy) ([]node, error) {
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
		root, err := newRoot(p, params, web)
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

// newRoot returns the node for p. A path that begins with http:// or https:// is a
// web source. All other paths are file names, even if they look like URLs (U23).
func newRoot(p string, params *api.AddParams, web *config.WebPolicy) (node, error) {
	switch {
	case strings.HasPrefix(p, "http://"), strings.HasPrefix(p, "https://"):
		return newWebRoot(p, params, web)
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
	n := node{name: filepath.Base(abs)}
	// A path means what it leads to, as for most programs. Symlinks in a directory
	// are added as symlinks.
	if err == nil && info.Mode().Type() == fs.ModeSymlink {
		if abs, err = filepath.EvalSymlinks(abs); err == nil {
			n.target = filepath.Base(abs)
			info, err = os.Lstat(abs)
		}
	}
	if err != nil {
		return node{}, fmt.Errorf("%w: %w", ErrSource, err)
	}
	n.prefix, n.typ = strings.TrimSuffix(abs, filepath.Base(abs)), info.Mode().Type()
	switch {
	case filepath.Dir(abs) == abs:
		return node{}, fmt.Errorf("%w: %s has no name: name what is in it", ErrInvalid, p)
	case params.Format == formatCAR && n.typ != 0:
		return node{}, fmt.Errorf("%w: %s is not a CAR file", ErrInvalid, p)
	case n.typ.IsDir() && !params.Recursive:
		return node{}, fmt.Errorf("%w: %s is a directory: set Recursive to add directories", ErrInvalid, p)
	}
	return n, n.check()
}

// locate returns the absolute path of p, with a real name as its last element
// instead of "." or "..". If p contains ".." or ends in ".", locate resolves the
// symlinks before the last element, as the operating system does: "a/.." is not
// "." if a is a symlink. Other paths need no system calls for symlinks.
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
	// Getwd may return the path of a symlink to the working directory.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", err
	}
	return filepath.Join(dir, base), nil
}

// String returns the path or the address of the node, for errors. It omits the
// credentials and the query of an address, because a query is often a credential.
func (n node) String() string {
	if n.web != nil {
		return (&url.URL{Scheme: n.web.Scheme, Host: n.web.Host, Path: n.web.Path}).String()
	}
	return n.path()
}

// check returns an error for a node that cannot be uploaded.
func (n node) check() error {
	if n.typ != 0 && n.typ != fs.ModeDir && n.typ != fs.ModeSymlink {
		return fmt.Errorf("%w: %s is neither a file, a directory nor a symlink", ErrInvalid, n)
	}
	return nil
}
