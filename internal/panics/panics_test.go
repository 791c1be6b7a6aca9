package panics

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func broken() { panic(io.ErrUnexpectedEOF) }

// A panic is carried to another goroutine, even twice, with the stack where it began.
func TestRepanic(t *testing.T) {
	carried := make(chan *Recovered, 1)
	go Run(broken, func(r *Recovered) { carried <- r })
	again := Catch((<-carried).Repanic)
	again = Catch(again.Repanic)
	if again == nil || !errors.Is(again, io.ErrUnexpectedEOF) {
		t.Fatalf("got %v", again)
	}
	if text := again.Error(); !strings.HasPrefix(text, "unexpected EOF\n\n") || !strings.Contains(text, "panics.broken") {
		t.Errorf("text %s", text)
	}
	if r := Catch(func() {}); r != nil {
		t.Errorf("a function that returns: %v", r)
	}
	(*Recovered)(nil).Repanic()
	if r := Catch(func() { panic("text") }); r.Unwrap() != nil || r.Value != "text" {
		t.Errorf("got %v", r)
	}
}

// A goroutine that ends with Goexit, as t.FailNow does, is reported, too.
func TestGoexit(t *testing.T) {
	first, second := make(chan *Recovered, 1), make(chan bool, 1)
	go Run(runtime.Goexit, func(r *Recovered) { first <- r })
	r := <-first
	if r == nil || r.Value != nil {
		t.Fatalf("got %v", r)
	}
	go func() {
		defer close(second)
		r.Repanic()
		second <- true
	}()
	if <-second {
		t.Error("the goroutine went on")
	}
}

// badHandler is a log handler that panics.
type badHandler struct{ slog.Handler }

func (badHandler) Handle(context.Context, slog.Record) error { panic("log") }

func TestLog(t *testing.T) {
	var out bytes.Buffer
	r := Catch(broken)
	r.Log(slog.New(slog.NewTextHandler(&out, nil)), "source panicked", "name", "a")
	for _, want := range []string{"level=ERROR", `msg="source panicked"`, "name=a", `panic="unexpected EOF"`, "panics.broken"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the record has no %q: %s", want, out.String())
		}
	}
	r.Log(slog.New(badHandler{slog.NewTextHandler(&out, nil)}), "source panicked")
	(*Recovered)(nil).Log(nil, "nothing")
}
