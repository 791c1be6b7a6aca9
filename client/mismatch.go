package client

import (
	"fmt"

	"github.com/ipfs/go-cid"
)

// MismatchError is a difference between what was sent in an add and what the
// server reports. It is an [ErrContentMismatch].
type MismatchError struct {
	// Name is the name of the file or directory, as in AddedOutput.Name. It is
	// empty for a wrapping directory.
	Name string
	// Want is the computed CID. It is undefined if the server reports something
	// that was not sent.
	Want cid.Cid
	// Got is the CID that the server reports. It is undefined if the server does
	// not report Name.
	Got cid.Cid
}

// Error returns one line with the name and both CIDs.
func (e *MismatchError) Error() string {
	switch {
	case !e.Got.Defined():
		return fmt.Sprintf("%s: %q must be %s, and the server does not report it", ErrContentMismatch, e.Name, e.Want)
	case !e.Want.Defined():
		return fmt.Sprintf("%s: the server reports %q as %s, which was not sent", ErrContentMismatch, e.Name, e.Got)
	}
	return fmt.Sprintf("%s: %q must be %s, and the server reports %s", ErrContentMismatch, e.Name, e.Want, e.Got)
}

// Unwrap returns ErrContentMismatch.
func (e *MismatchError) Unwrap() error { return ErrContentMismatch }
