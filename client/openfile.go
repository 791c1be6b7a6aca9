package client

import (
	"fmt"
	"io"
	"io/fs"
	"time"
)

// metadata is the part of a file's metadata that an upload contains.
type metadata struct {
	mode    fs.FileMode
	modTime time.Time
}

func metadataOf(info fs.FileInfo) metadata {
	return metadata{mode: info.Mode(), modTime: info.ModTime()}
}

// A node has these methods on every system. Each fails if the node is not, or no
// longer, of that kind. They do not wait for the writer of a named pipe, and do not
// follow a symlink. A root is opened by its path, and any other node relative to its
// open directory.
var _ interface {
	openFile() (io.ReadCloser, metadata, error)
	openDirectory() (*directory, error)
	readLink() (target string, meta metadata, err error)
	size() (int64, error)
} = node{}

// errReplaced is the error for a path that was of the given kind when its
// directory was read.
func errReplaced(path, kind string) error {
	return fmt.Errorf("%s is no longer a %s: add it again when nothing changes it any more", path, kind)
}
