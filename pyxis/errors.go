package pyxis

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
	"github.com/pinfleet/pinfleet/pyxis/internal/mux"
)

// What a call may fail with, tested with errors.Is. The errors themselves are
// of type *Error.
var (
	// ErrClosed: the client is closed.
	ErrClosed = errors.New("client is closed")
	// ErrConnecting: the call's context, or Options.CallTimeout, ended before
	// the client had a session with a leader. Nothing was sent.
	ErrConnecting = errors.New("client is connecting")
	// ErrNotFound: the node, or for Create its parent, does not exist.
	ErrNotFound = errors.New("node not found")
	// ErrNotLeader: the server is not the leader. Calls do not fail with it
	// alone: the client looks for the leader as long as the context allows.
	ErrNotLeader = errors.New("not the leader")
	// ErrSessionExpired: the session that the call was made in has ended. The
	// client makes a new one by itself; ephemeral nodes are gone.
	ErrSessionExpired = errors.New("session expired")
	// ErrInvalidArgument: the server, or the client before it, refuses the
	// path, the data or the operation on this node.
	ErrInvalidArgument = errors.New("invalid argument")
	// ErrAgain: the leader stepped down, or there is none. For Create, Write,
	// Delete and Unregister it comes with ErrOutcomeUnknown.
	ErrAgain = errors.New("try again")
	// ErrExists: the node exists.
	ErrExists = errors.New("node exists")
	// ErrInternal: the server has trouble with its storage.
	ErrInternal = errors.New("internal error of the server")
	// ErrUnknown: the server answered something that this client does not know.
	ErrUnknown = errors.New("unknown answer of the server")
)

// What is known of a call that got no answer.
var (
	// ErrConnectionLost: the connection ended while the call was in flight.
	// It always comes with ErrOutcomeUnknown.
	ErrConnectionLost = mux.ErrLost
	// ErrOutcomeUnknown: the request may have been carried out, now or later.
	// Read the node to find out; Create may then report ErrExists and Delete
	// ErrNotFound for what the first attempt did.
	ErrOutcomeUnknown = errors.New("outcome unknown")
)

// Error is a failed call.
type Error struct {
	// Op is the call: "create", "delete", "read", "write", "watch", "sid",
	// "unregister" or "close".
	Op string
	// Path is the call's node; empty when it has none.
	Path string
	// Code is the server's error code, 0 when the server did not answer:
	// 1 not leader, 2 not found, 4 session expired, 5 invalid argument,
	// 6 again, 7 internal, 8 exists.
	Code int
	// Text is what the server said with the code; often a path.
	Text string
	// Err holds the sentinels and causes, for errors.Is and errors.As.
	Err error
}

// Error returns operation, path, sentinel and the server's text.
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

// because joins a sentinel with its cause in one sentence.
func because(sentinel, cause error) error { return fmt.Errorf("%w: %w", sentinel, cause) }

// unknownOutcome says of err that the request may have been carried out.
func unknownOutcome(err error) error { return fmt.Errorf("%w, %w", err, ErrOutcomeUnknown) }

// sentinelOf maps the server's codes.
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

// codeOf returns the code of an answer, NONE for success. An error without a
// type is not a success.
func codeOf(answer *pyxiswire.Response) pyxiswire.ErrorType {
	switch {
	case answer.Err == nil:
		return pyxiswire.ErrorType_NONE
	case answer.Err.Type == nil:
		return -1
	}
	return answer.Err.GetType()
}

// refusal is the error of an answer that is not a success.
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

// limit bounds a text of the server: a path is its longest useful one.
func limit(text string) string {
	if len(text) > pyxiswire.MaxPath {
		return text[:pyxiswire.MaxPath] + "…"
	}
	return text
}
