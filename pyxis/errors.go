package pyxis

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis/internal/mux"
)

// The sentinels of failed calls, for errors.Is. The errors themselves have type
// *Error.
var (
	// ErrClosed: the client is closed.
	ErrClosed = errors.New("client is closed")
	// ErrConnecting: the call's context or Options.CallTimeout ended before the
	// client had a session with a leader. Nothing was sent.
	ErrConnecting = errors.New("client is connecting")
	// ErrNotFound: the node, or for Create its parent, does not exist.
	ErrNotFound = errors.New("node not found")
	// ErrNotLeader: the server is not the leader. The client then looks for the
	// leader until the call's context is done, so this error is always wrapped
	// together with another one.
	ErrNotLeader = errors.New("not the leader")
	// ErrSessionExpired: the session of the call has ended, and its ephemeral
	// nodes are deleted. The client registers a new session by itself, and repeats
	// reads in it.
	ErrSessionExpired = errors.New("session expired")
	// ErrInvalidArgument: the server or the client rejects the path, the data, or
	// the operation on this node.
	ErrInvalidArgument = errors.New("invalid argument")
	// ErrAgain: the leader stepped down, or there is none. For Create, Write,
	// Delete and Unregister, ErrOutcomeUnknown is added.
	ErrAgain = errors.New("try again")
	// ErrExists: the node exists.
	ErrExists = errors.New("node exists")
	// ErrInternal: the server's storage failed.
	ErrInternal = errors.New("internal error of the server")
	// ErrUnknown: the client does not understand the server's answer.
	ErrUnknown = errors.New("unknown answer of the server")
)

// The sentinels of calls without an answer.
var (
	// ErrConnectionLost: the connection ended while the call was in flight. For a
	// call that changes something, ErrOutcomeUnknown is added. A Read is repeated, so
	// its error wraps ErrConnectionLost only together with the reason why the client
	// could not connect again in time.
	ErrConnectionLost = mux.ErrLost
	// ErrOutcomeUnknown: the server may have executed the request, or may still do
	// so. Only calls that change something fail with it. Read the node to find out. If
	// the call is repeated, Create may report ErrExists, and Delete ErrNotFound, because
	// of the first attempt.
	ErrOutcomeUnknown = errors.New("outcome unknown")
)

// Error describes a failed call.
type Error struct {
	// Op is the operation: "create", "delete", "read", "write", "watch", "sid",
	// "session" (SessionContext), "unregister" or "close".
	Op string
	// Path is the node of the call; empty if there is none.
	Path string
	// Code is the server's error code, 0 if the server did not answer: 1 not
	// leader, 2 not found, 4 session expired, 5 invalid argument, 6 again, 7
	// internal, 8 exists.
	Code int
	// Text is the server's text for the code, often a path.
	Text string
	// Err wraps the sentinels and causes, for errors.Is and errors.As.
	Err error
}

// Error returns the operation, path, sentinel and server's text.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("pyxis: " + e.Op)
	if e.Path != "" {
		b.WriteString(" " + e.Path)
	}
	fmt.Fprintf(&b, ": %v", e.Err)
	if e.Text != "" {
		fmt.Fprintf(&b, " (server: %q)", e.Text)
	}
	return b.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// because joins a sentinel and its cause.
func because(sentinel, cause error) error { return fmt.Errorf("%w: %w", sentinel, cause) }

// unknownOutcome adds ErrOutcomeUnknown to err.
func unknownOutcome(err error) error { return fmt.Errorf("%w, %w", err, ErrOutcomeUnknown) }

// sentinelOf returns the sentinel for a server's error code.
func sentinelOf(code pyxiswire.ErrorType) error {
	switch code {
	case pyxiswire.ErrorType_NOT_LEADER:
		return ErrNotLeader
	case pyxiswire.ErrorType_NOT_FOUND:
		return ErrNotFound
	case pyxiswire.ErrorType_SESSION_EXPIRED:
		return ErrSessionExpired
	case pyxiswire.ErrorType_INVALID_ARGUMENT:
		return ErrInvalidArgument
	case pyxiswire.ErrorType_AGAIN:
		return ErrAgain
	case pyxiswire.ErrorType_INTERNAL:
		return ErrInternal
	case pyxiswire.ErrorType_EXIST:
		return ErrExists
	}
	return ErrUnknown
}

// codeOf returns the error code of an answer, NONE for success. It returns -1
// for an error without a type, so that it does not pass as success.
func codeOf(answer *pyxiswire.Response) pyxiswire.ErrorType {
	switch {
	case answer.Err == nil:
		return pyxiswire.ErrorType_NONE
	case answer.Err.Type == nil:
		return -1
	}
	return answer.Err.GetType()
}

// refusal returns the error for an answer that is not a success.
func refusal(op, path string, answer *pyxiswire.Response, mutates bool) *Error {
	code := codeOf(answer)
	err := sentinelOf(code)
	if code == pyxiswire.ErrorType_AGAIN && mutates {
		err = unknownOutcome(err)
	}
	return &Error{
		Op: op, Path: path, Code: int(answer.Err.GetType()),
		Text: limit(string(answer.Err.GetData())), Err: err,
	}
}

// limit truncates a text of the server to the length of the longest path.
func limit(text string) string {
	if len(text) > pyxiswire.MaxPath {
		return text[:pyxiswire.MaxPath] + "…"
	}
	return text
}
