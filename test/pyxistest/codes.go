package pyxistest

import (
	"fmt"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// Code is the type of an error that the service returns.
type Code int32

// Codes, with their numbers in the protocol.
const (
	CodeNotLeader       Code = 1
	CodeNotFound        Code = 2
	CodeSessionExpired  Code = 4
	CodeInvalidArgument Code = 5
	CodeAgain           Code = 6
	CodeInternal        Code = 7
	CodeExist           Code = 8
)

// Error is an error that the service returns.
type Error struct {
	Code Code
	// Data is a path, an address or a text, depending on the code. Nil is omitted
	// from the answer, but empty data is not.
	Data []byte
}

// Error returns the code and the data.
func (e *Error) Error() string {
	return fmt.Sprintf("pyxis answers %v: %q", pyxiswire.ErrorType(e.Code), e.Data)
}

func failure(code Code, data string) *Error { return &Error{Code: code, Data: []byte(data)} }

// Errors with the texts of the real server.
var (
	errSessionExpired = failure(CodeSessionExpired, "session expired")
	errRegisterDead   = &Error{Code: CodeSessionExpired} // the only error without data
	errNoLeader       = failure(CodeAgain, "try again")
	errSteppedDown    = failure(CodeAgain, "net error, try again")
	errReserved       = failure(CodeInvalidArgument, "can't create node under pyxis node")
	errReservedDelete = failure(CodeInvalidArgument, "can't delete node under pyxis node")
	errTooBig         = failure(CodeInvalidArgument, "node size exceed")
	errParent         = failure(CodeInvalidArgument, "parent not persistent node")
	errChildren       = failure(CodeInvalidArgument, "children not empty")
)

func notFound(path string) *Error    { return failure(CodeNotFound, path) }
func invalidPath(path string) *Error { return failure(CodeInvalidArgument, path) }

// response returns the answer that contains the error.
func (e *Error) response() *pyxiswire.Response {
	return &pyxiswire.Response{Err: &pyxiswire.Error{Type: pyxiswire.ErrorType(e.Code).Enum(), Data: e.Data}}
}
