package lbclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/strategy"
)

// A nil option, and a nil pointer as strategy, client, hook or source, panicked: some in the
// constructor, some in a later call (E14). All of them are errors of the constructor.
func TestNilArguments(t *testing.T) {
	var noStrategy *strategy.LeastLoaded
	var noHook *attemptLog
	var noClient *fake
	var noSource *town2
	open := func(*config.Config) (client.Client, error) { return noClient, nil }
	for _, test := range []struct {
		name, want string
		make       func() (*Client, error)
	}{
		{"option", "option 1 is nil", func() (*Client, error) {
			return New(&strategy.Failover{}, clientsOf(newFakes(1)), 0, WithHedging(), nil)
		}},
		{"strategy", "no strategy", func() (*Client, error) { return New(noStrategy, clientsOf(newFakes(1)), 0) }},
		{"client", "client 1 is nil (*lbclient.fake)", func() (*Client, error) {
			return New(&strategy.Failover{}, []client.Client{newFakes(1)[0], noClient}, 0)
		}},
		{"nil hook", "hook 0 is nil (<nil>)", func() (*Client, error) {
			return New(&strategy.Failover{}, clientsOf(newFakes(1)), 0, WithHooks(nil))
		}},
		{"hook", "hook 1 is nil (*lbclient.attemptLog)", func() (*Client, error) {
			return New(&strategy.Failover{}, clientsOf(newFakes(1)), 0, WithHooks(&attemptLog{}, noHook))
		}},
		{"source", "no source", func() (*Client, error) { return NewFromSource(t.Context(), &strategy.Failover{}, noSource, 0) }},
		{"opened client", "the opener returned neither a client nor an error (*lbclient.fake)", func() (*Client, error) {
			return NewFromConfigs(&strategy.Failover{}, hosts("a"), 0, WithOpener(open))
		}},
		{"configuration", "configuration 1 is nil", func() (*Client, error) {
			return NewFromConfigs(&strategy.Failover{}, append(hosts("127.0.0.1"), nil), 0)
		}},
	} {
		if c, err := test.make(); c != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("nil %s: got %v, want an error that contains %q", test.name, err, test.want)
		}
	}
}

// town2 is a source without endpoints.
type town2 struct{}

func (*town2) Watch(ctx context.Context, _ func([]*config.Config)) error {
	<-ctx.Done()
	return ctx.Err()
}

// AddBody of a nil body panicked if the strategy counts the bytes of uploads (E14).
func TestAddBodyWithoutABody(t *testing.T) {
	for name, body := range map[string]*client.Body{"nil": nil, "zero": {}} {
		f := &bodyFake{fake: newFakes(1)[0]}
		c := newLB(t, &strategy.LeastLoaded{}, []*bodyFake{f}, 1)
		out := make(chan *api.AddedOutput)
		err := c.AddBody(t.Context(), body, nil, out)
		if _, open := <-out; open || !errors.Is(err, client.ErrInvalid) {
			t.Errorf("%s body: out is open: %t, error %v", name, open, err)
		}
		checkCalls(t, "a0", f.fake)
	}
}

// Programs may create and print the zero values of exported types. That of an attempt
// panicked (E14).
func TestZeroValuesArePrinted(t *testing.T) {
	for _, v := range []any{Attempt{}, EndpointInfo{}, CallEvent{}, AttemptEvent{}, HealthEvent{}, MembershipEvent{}} {
		if text := fmt.Sprintf("%v %+v", v, v); strings.Contains(text, "PANIC") {
			t.Errorf("%T: %s", v, text)
		}
	}
	for want, e := range map[string]*AttemptsError{
		": 0 attempts failed: ":                     {},
		"ID: 1 attempt failed: no error (after 0s)": {Op: client.OpID, Attempts: []Attempt{{}}},
	} {
		var typed *client.Error
		if got := e.Error(); got != want || errors.Is(e, io.EOF) || errors.As(e, &typed) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The error of a user's client may have any text. In the errors and snapshots of the load
// balancer, it is one printable line of at most 2 KiB.
func TestTextOfUsersErrors(t *testing.T) {
	wild := errors.New("two\nlines \x1b[31m " + strings.Repeat("x", 10_000))
	fakes := newFakes(2)
	fakes[0].answer, fakes[1].answer = fails(wild), fails(fmt.Errorf("%w: %w", client.ErrInvalid, wild))
	c := newLB(t, &strategy.Failover{}, fakes, 1)
	ctx, cancel := context.WithCancelCause(t.Context())
	_, several := c.ID(ctx)
	_, one := c.ID(WithEndpoint(ctx, "b"))
	cancel(wild)
	_, cancelled := c.ID(ctx)
	texts := []string{c.Endpoints()[0].LastError}
	for _, err := range []error{several, one} {
		if !errors.Is(err, wild) {
			t.Errorf("the error does not wrap that of the client: %.80v", err)
		}
		texts = append(texts, err.Error())
	}
	if !errors.Is(cancelled, context.Canceled) || !errors.Is(cancelled, wild) {
		t.Errorf("got %.80v", cancelled)
	}
	texts = append(texts, (&AttemptsError{Op: client.OpID, Cause: wild}).Error())
	for i, text := range texts {
		if len(text) > 2*(maxErrorText+100) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("text %d has %d bytes: %.80q", i, len(text), text)
		}
	}
}

// A call of IPFS that its caller cancelled counted as a failure of the peer.
func TestCancelledIPFSIsNoFailure(t *testing.T) {
	fakes := newFakes(1)
	ctx, cancel := context.WithCancel(t.Context())
	fakes[0].answer = func(ctx context.Context, _ client.Op, _ int) reply {
		cancel()
		return reply{err: ctx.Err()}
	}
	o := &observed{}
	c := newLB(t, o, fakes, 0)
	if _, _, err := c.IPFS(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if info := c.Endpoints()[0]; len(info.Failures) > 0 || info.LastError != "" {
		t.Errorf("counted as a failure: %v, %s", info.Failures, info.LastError)
	}
	if len(o.results) != 1 || !o.results[0].Cancelled {
		t.Errorf("results %+v", o.results)
	}
}
