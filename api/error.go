package api

import "fmt"

// Error is the document that the server sends instead of a result.
type Error struct {
	Code    int    `json:"code"` // HTTP status
	Message string `json:"message"`
}

// Error returns "<message> (<code>)".
func (e Error) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }
