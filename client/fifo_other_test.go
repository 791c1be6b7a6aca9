//go:build !unix

package client

import "errors"

// mkfifo fails, because this system has no mkfifo.
func mkfifo(string) error { return errors.ErrUnsupported }
