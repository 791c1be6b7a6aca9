//go:build unix

package client

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Package os is not used for the entries of a directory, because a method of
// os.Root follows symlinks within the root, and needs a system call more for each
// file to find that out.

// openGuarded are the flags for opening without waiting for the writer of a pipe
// and without following a symlink.
const openGuarded = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOFOLLOW | unix.O_CLOEXEC

// directory is an open directory.
type directory struct {
	file *os.File
	fd   int // of file; File.Fd makes system calls
}

func (d *directory) entries() ([]fs.DirEntry, error) { return d.file.ReadDir(-1) }
func (d *directory) close() error                    { return d.file.Close() }

func (d *directory) metadata() (metadata, error) {
	info, err := d.file.Stat()
	if err != nil {
		return metadata{}, err
	}
	return metadataOf(info), nil
}

// at returns what system calls need to find the node: a directory's descriptor,
// and a path relative to it.
func (n node) at() (dirfd int, path string) {
	if n.parent == nil {
		return unix.AT_FDCWD, n.path()
	}
	return n.parent.fd, n.name
}

// open opens the node with the given flags. If it fails, and the node is no longer
// of the wanted type, the error says so: the system's error for a symlink or a
// socket differs between systems.
func (n node) open(flags int, want uint32, kind string) (int, error) {
	dirfd, path := n.at()
	fd, err := again(func() (int, error) { return unix.Openat(dirfd, path, flags, 0) })
	if err == nil {
		return fd, nil
	}
	var now unix.Stat_t
	if unix.Fstatat(dirfd, path, &now, unix.AT_SYMLINK_NOFOLLOW) == nil && modeOf(&now)&unix.S_IFMT != want {
		return 0, errReplaced(n.path(), kind)
	}
	return 0, n.failed("open", err)
}

func (n node) openDirectory() (*directory, error) {
	fd, err := n.open(openGuarded|unix.O_DIRECTORY, unix.S_IFDIR, "directory")
	if err != nil {
		return nil, err
	}
	return &directory{file: os.NewFile(uintptr(fd), n.path()), fd: fd}, nil
}

func (n node) openFile() (io.ReadCloser, metadata, error) {
	fd, err := n.open(openGuarded, unix.S_IFREG, "regular file")
	if err != nil {
		return nil, metadata{}, err
	}
	f := &regularFile{fd: fd, node: n}
	var stat unix.Stat_t
	if _, err = again(func() (int, error) { return 0, unix.Fstat(fd, &stat) }); err != nil {
		err = n.failed("stat", err)
	} else if modeOf(&stat)&unix.S_IFMT != unix.S_IFREG {
		err = errReplaced(n.path(), "regular file")
	}
	if err != nil {
		return nil, metadata{}, errors.Join(err, f.Close())
	}
	return f, metadataOfStat(&stat), nil
}

func (n node) readLink() (string, metadata, error) {
	dirfd, path := n.at()
	target := make([]byte, unix.PathMax)
	size, err := again(func() (int, error) { return unix.Readlinkat(dirfd, path, target) })
	if err != nil {
		if errors.Is(err, unix.EINVAL) {
			return "", metadata{}, errReplaced(n.path(), "symlink")
		}
		return "", metadata{}, n.failed("readlink", err)
	}
	stat, err := n.lstat()
	return string(target[:size]), metadataOfStat(&stat), err
}

func (n node) lstat() (stat unix.Stat_t, err error) {
	dirfd, path := n.at()
	if _, err = again(func() (int, error) { return 0, unix.Fstatat(dirfd, path, &stat, unix.AT_SYMLINK_NOFOLLOW) }); err != nil {
		err = n.failed("lstat", err)
	}
	return stat, err
}

func (n node) size() (int64, error) {
	stat, err := n.lstat()
	return stat.Size, err
}

func (n node) failed(op string, err error) error {
	return &fs.PathError{Op: op, Path: n.path(), Err: err}
}

// again repeats a system call that a signal interrupted.
func again(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// modeOf returns the mode of a file, which has 16 bits on some systems.
func modeOf(stat *unix.Stat_t) uint32 { return uint32(stat.Mode) } //nolint:unconvert // see above

// metadataOfStat returns the metadata of a file or symlink, with the mode bits of
// package fs.
func metadataOfStat(stat *unix.Stat_t) metadata {
	bits := modeOf(stat)
	mode := fs.FileMode(bits) & fs.ModePerm
	if bits&unix.S_ISUID != 0 {
		mode |= fs.ModeSetuid
	}
	if bits&unix.S_ISGID != 0 {
		mode |= fs.ModeSetgid
	}
	if bits&unix.S_ISVTX != 0 {
		mode |= fs.ModeSticky
	}
	if bits&unix.S_IFMT == unix.S_IFLNK {
		mode |= fs.ModeSymlink
	}
	return metadata{mode: mode, modTime: time.Unix(stat.Mtim.Unix())}
}

// regularFile is an open file. In contrast to an os.File it does not register with
// the runtime's poller, which regular files do not need. It is not safe for
// concurrent use.
type regularFile struct {
	fd     int
	node   node
	closed bool
}

func (f *regularFile) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := again(func() (int, error) { return unix.Read(f.fd, p) })
	switch {
	case err != nil:
		return 0, f.node.failed("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (f *regularFile) Close() error {
	if f.closed {
		return fs.ErrClosed
	}
	f.closed = true
	if err := unix.Close(f.fd); err != nil && err != unix.EINTR {
		return f.node.failed("close", err)
	}
	return nil
}
