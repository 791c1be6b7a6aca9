package client

import (
	"io/fs"
	"os"
)

// openRegular opens a file and looks at it, making sure that it still is one:
// opening a named pipe that took its place would wait for a writer, and a
// symlink would lead elsewhere.
func openRegular(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openGuarded, 0)
	if err != nil {
		// Systems differ in what they call a symlink or a socket then.
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
