//go:build !unix

package client

import "errors"

// mkfifo fails: paths do not lead to pipes here.
func mkfifo(string) error { return errors.ErrUnsupported }
