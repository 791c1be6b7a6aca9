//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package cidtable

import "syscall"

// mapPages returns size bytes outside of the Go heap, or nil if there are none. They are zero,
// and begin at the start of a page.
func mapPages(size int) []byte {
	pages, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	return pages
}

// unmapPages releases what mapPages has returned.
func unmapPages(pages []byte) { _ = syscall.Munmap(pages) } // fails only for other memory
