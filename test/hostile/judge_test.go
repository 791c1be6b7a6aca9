package hostile

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/hostile"
	"github.com/pinfleet/pinfleet/internal/rawserver"
	"github.com/pinfleet/pinfleet/lbclient"
)

// slowness is the pause between the pieces of a slow answer.
const slowness = 20 * time.Millisecond

// badPeer is a server that answers each request alike.
type badPeer struct {
	*rawserver.Server
	requests atomic.Int64 // how many there were, but for GET /health, which probes ask for
}

// serve starts a server that answers each request with a. It is to be closed.
func serve(t *testing.T, a hostile.Answer) *badPeer {
	answer := rawserver.Answer{Stream: a.Pieces(), Close: a.End == hostile.Close, Reset: a.End == hostile.Reset, Hold: a.End == hostile.Hold}
	if a.Slow {
		answer.Pause = slowness
	}
	p := &badPeer{}
	p.Server = rawserver.New(t, func(req *http.Request) rawserver.Answer {
		if req.URL.Path != "/health" {
			p.requests.Add(1)
		}
		return answer
	})
	return p
}

func (p *badPeer) config() *config.Config { return &config.Config{URL: "http://" + p.Addr()} }

// within runs f and reports whether it returned. What it does is part of ctx.
func within(ctx context.Context, f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
	}
	select {
	case <-done:
		return true
	case <-time.After(patience):
		return false
	}
}

// checkText checks that no text of a peer reaches an error unbounded or
// unescaped.
func checkText(t *testing.T, name string, err error) {
	text := err.Error()
	const most = 4 << 10 // an error holds a message of 2 KiB
	attempts := 1
	var all *lbclient.AttemptsError
	if errors.As(err, &all) {
		attempts += len(all.Attempts)
	}
	if len(text) > attempts*most {
		t.Errorf("%s: an error of %d bytes", name, len(text))
	}
	unprintable := func(c rune) bool { return !unicode.IsPrint(c) }
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unprintable) {
		t.Errorf("%s: an error that cannot be printed: %.300q", name, text)
	}
}

// checkError checks the error of the default client. asked says that its
// request arrived.
func checkError(t *testing.T, name string, a hostile.Answer, err error, asked bool) {
	var e *client.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: the error is a %T: %.300v", name, err, err)
		return
	}
	checkText(t, name, err)
	if errors.Is(err, context.DeadlineExceeded) && !a.Hangs() {
		t.Errorf("%s: only the context ended the call: %v", name, err)
	}
	switch {
	case a.Means == hostile.Unjudged, !asked:
	case a.Unexecuted && e.MayHaveExecuted && !a.Hangs():
		t.Errorf("%s: MayHaveExecuted, although the answer says that it was not: %v", name, err)
	case !a.Unexecuted && !e.MayHaveExecuted:
		t.Errorf("%s: it was not executed, although the answer does not prove that: %v", name, err)
	}
	if a.Means != hostile.Refusal && a.Means != hostile.Unjudged && errors.Is(err, client.ErrNotFound) {
		t.Errorf("%s: not found, although no cluster peer said so: %v", name, err)
	}
}

func may(a hostile.Answer, m method) bool { return slices.Contains(a.May, m.Name) }
