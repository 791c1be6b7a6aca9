package client

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/liveness"
)

// attemptOf returns a context with a tracker, and a function that returns how long the attempt
// has been silent, or -1 if it waits for something on this side.
func attemptOf(ctx context.Context) (context.Context, func() time.Duration) {
	tracker := &liveness.Tracker{}
	epoch := time.Now()
	tracker.Begin(epoch, 0)
	return context.WithValue(ctx, liveness.Key{}, tracker), func() time.Duration {
		since, waits := tracker.SilentSince()
		if !waits {
			return -1
		}
		return time.Since(epoch) - since
	}
}

// drops is a body that has a byte each minute.
type drops struct{ *strings.Reader }

func (s drops) Read(p []byte) (int, error) {
	time.Sleep(time.Minute)
	return s.Reader.Read(p[:min(1, len(p))])
}

func (drops) Close() error { return nil }

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The head of a response, and each piece of its body, are signs of life.
func TestResponseIsSignOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, silence := attemptOf(t.Context())
		longest := time.Duration(0)
		c, err := NewDefaultClient(&config.Config{RoundTripper: roundTripFunc(func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Minute)
			if d := silence(); d != time.Minute {
				t.Errorf("silent for %s before the response", d)
			}
			go func() {
				time.Sleep(time.Second)
				for range len(idDoc) {
					longest = max(longest, silence())
					time.Sleep(time.Minute)
				}
			}()
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: drops{strings.NewReader(idDoc)}}, nil
		})})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.ID(ctx); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if longest != time.Second {
			t.Errorf("silent for %s although a byte arrived each minute", longest)
		}
	})
}

// givenUp is the context of an attempt that a load balancer can give up.
type givenUp struct {
	context.Context
	parent context.Context
	giveUp chan context.CancelCauseFunc
}

func (g givenUp) Parent() context.Context              { return g.parent }
func (g givenUp) OnEnd(cancel context.CancelCauseFunc) { g.giveUp <- cancel }

// The context of an exchange derives from the parent of the attempt's, and the end of the
// attempt ends the exchange. A context between the two cost six allocations a call.
func TestEndOfAttemptEndsExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		reason := errors.New("reason")
		parent := context.WithValue(t.Context(), key{}, true)
		attempt := givenUp{context.WithoutCancel(parent), parent, make(chan context.CancelCauseFunc, 1)}
		c, err := NewDefaultClient(&config.Config{RoundTripper: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if r.Context().Value(key{}) == nil {
				t.Error("the exchange does not derive from the parent")
			}
			(<-attempt.giveUp)(reason)
			<-r.Context().Done()
			return nil, context.Cause(r.Context())
		})})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.ID(attempt); !errors.Is(err, reason) {
			t.Errorf("got %v", err)
		}
	})
}

// Bytes that the connection takes are signs of life. While it waits for the source, the peer
// is not silent.
func TestUploadIsSignOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, silence := attemptOf(t.Context())
		source := make(handed)
		u, _ := uploadOf(t, ctx, source)
		defer u.Close()
		written := make(chan struct{})
		go func() {
			defer close(written)
			_, _ = u.WriteTo(writerFunc(func(p []byte) (int, error) {
				time.Sleep(time.Minute)
				if d := silence(); d != time.Minute {
					t.Errorf("silent for %s while the connection is slow", d)
				}
				return len(p), nil
			}))
		}()
		for range 3 {
			source <- "x"
			time.Sleep(time.Hour)
			if d := silence(); d != -1 {
				t.Errorf("silent for %s while the source is slow", d)
			}
		}
		close(source)
		<-written
		if d := silence(); d != 0 {
			t.Errorf("silent for %s after the upload", d)
		}
	})
}
