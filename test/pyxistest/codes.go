package pyxistest

import (
	"fmt"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// Code is the type of an error that the service answers.
type Code int32

// Codes, with the numbers that travel.
const (
	CodeNotLeader       Code = 1
	CodeNotFound        Code = 2
	CodeSessionExpired  Code = 4
	CodeInvalidArgument Code = 5
	CodeAgain           Code = 6
	CodeInternal        Code = 7
	CodeExist           Code = 8
)

// Error is an answer that reports a failure.
type Error struct {
	Code Code
	// Data explains it: a path, an address or a text, by the code. Nil, unlike an
	// empty one, does not travel.
	Data []byte
}

// Error returns code and data.
func (e *Error) Error() string {
	return fmt.Sprintf("pyxis answers %v: %q", pyxiswire.ErrorType(e.Code), e.Data)
}

func failure(code Code, data string) *Error { return &Error{Code: code, Data: []byte(data)} }

// Failures with the texts of the real server.
var (
	errSessionExpired = failure(CodeSessionExpired, "session expired")
	errRegisterDead   = &Error{Code: CodeSessionExpired} // the only one without data
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

// response returns the answer that carries the error.
func (e *Error) response() *pyxiswire.Response {
	return &pyxiswire.Response{Err: &pyxiswire.Error{Type: pyxiswire.ErrorType(e.Code).Enum(), Data: e.Data}}
}
