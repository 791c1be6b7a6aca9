package testenv

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
)

// Print prints each value with the verbs of fmt, as JSON and with log/slog, and
// fails the test if that panics. JSON may fail with an error.
func Print(tb testing.TB, values ...any) {
	tb.Helper()
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, "(PANIC=") { // fmt recovers
				tb.Errorf("%T printed with %s: %s", v, verb, text)
			}
		}
		func() {
			defer func() {
				if r := recover(); r != nil {
					tb.Errorf("%T: Error, JSON or log/slog panics: %v", v, r)
				}
			}()
			if err, ok := v.(error); ok {
				_ = err.Error()
			}
			_, _ = json.Marshal(v)
			slog.New(slog.NewJSONHandler(io.Discard, nil)).Info("zero", "value", v)
			slog.New(slog.NewTextHandler(io.Discard, nil)).Info("zero", "value", v)
		}()
	}
}
