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
	// Pinned is the root that the server reports, and that it has probably pinned.
	// If it was not pinned before, it should be unpinned. Pinned is undefined if
	// the upload was ended before the server had all of it.
	Pinned cid.Cid
}

// Error returns one line with the name and the CIDs.
func (e *MismatchError) Error() string {
	text := fmt.Sprintf("%q must be %s, and the server reports %s", e.Name, e.Want, e.Got)
	switch {
	case !e.Got.Defined():
		text = fmt.Sprintf("%q must be %s, and the server does not report it", e.Name, e.Want)
	case !e.Want.Defined():
		text = fmt.Sprintf("the server reports %q as %s, which was not sent", e.Name, e.Got)
	}
	text = fmt.Sprintf("%s: %s", ErrContentMismatch, text)
	if e.Pinned.Defined() {
		text += fmt.Sprintf("; it has probably pinned %s, which should be unpinned", e.Pinned)
	}
	return text
}

// Unwrap returns ErrContentMismatch.
func (e *MismatchError) Unwrap() error { return ErrContentMismatch }
