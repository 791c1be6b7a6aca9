package client

import (
	"io/fs"
	"os"
)

// openRegular opens a regular file and returns its current FileInfo. It fails if
// the file was replaced since the directory was read: opening a named pipe would
// wait for a writer, and a symlink would lead to another file.
func openRegular(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openGuarded, 0)
	if err != nil {
		// The system's error for a symlink or a socket differs between systems.
		if now, lookErr := os.Lstat(path); lookErr == nil && !now.Mode().IsRegular() {
			err = errReplaced(path)
		}
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errReplaced(path)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}
