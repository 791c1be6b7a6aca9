package client

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

const unauthorized = `{"code":401,"message":"unauthorized: invalid token"}`

// U47: there were no bearer tokens. The table has the Authorization header for each setting.
func TestU47Authorization(t *testing.T) {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("alice:wonder"))
	for name, test := range map[string]struct {
		cfg  config.Config
		want string
	}{
		"none":  {config.Config{}, ""},
		"basic": {config.Config{Username: "alice", Password: "wonder"}, basic},
		"token": {config.Config{Token: "abc.def.ghi"}, "Bearer abc.def.ghi"},
		"function": {config.Config{TokenFunc: func(context.Context) (string, error) { return "f.f.f", nil }},
			"Bearer f.f.f"},
		"fetched": {config.Config{Username: "alice", Password: "wonder", FetchToken: true}, "Bearer t.t.t"},
	} {
		var tokens atomic.Int64
		r := &recorder{answer: rawserver.JSON(200, idDoc)}
		s := rawserver.New(t, func(req *http.Request) rawserver.Answer {
			if req.URL.Path != "/token" {
				return r.handle(req)
			}
			if got := req.Header.Get("Authorization"); got != basic {
				t.Errorf("%s: token asked for with %q", name, got)
			}
			tokens.Add(1)
			return rawserver.JSON(200, `{"token":"t.t.t"}`)
		})
		test.cfg.URL = "http://" + s.Addr()
		c := newClient(t, &test.cfg)
		for range 3 {
			if _, err := c.ID(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := c.Health(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i, got := range r.requests() {
			if got.header.Get("Authorization") != test.want {
				t.Errorf("%s: request %d with %q, want %q", name, i, got.header.Get("Authorization"), test.want)
			}
		}
		if n := tokens.Load(); (n != 0) != (name == "fetched") || n > 1 {
			t.Errorf("%s: %d tokens fetched", name, n)
		}
	}
}

// A token that the server refuses is renewed once per call. Calls that wait for a new token
// share one renewal.
func TestTokenRenewal(t *testing.T) {
	var issued, valid atomic.Int64
	valid.Store(1)
	s := rawserver.New(t, func(r *http.Request) rawserver.Answer {
		switch {
		case r.URL.Path == "/token":
			return rawserver.JSON(200, fmt.Sprintf(`{"token":"t%d"}`, issued.Add(1)))
		case r.Header.Get("Authorization") != fmt.Sprintf("Bearer t%d", valid.Load()):
			return rawserver.JSON(401, unauthorized)
		case r.URL.Path == "/add":
			return rawserver.AddStream([]string{addedA}).Answer()
		}
		return rawserver.JSON(200, idDoc)
	})
	c := newClient(t, &config.Config{URL: "http://" + s.Addr(), Username: "alice", Password: "wonder", FetchToken: true})
	if _, err := c.ID(t.Context()); err != nil || issued.Load() != 1 {
		t.Fatalf("%d tokens, %v", issued.Load(), err)
	}
	valid.Store(2) // as if the password had changed
	var calling sync.WaitGroup
	for range 20 {
		calling.Go(func() {
			if _, err := c.ID(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	calling.Wait()
	if n := issued.Load(); n != 2 {
		t.Errorf("%d tokens for one renewal", n-1)
	}
	valid.Store(3) // an upload is sent again as well
	if err := calls[OpAdd](t.Context(), c); err != nil {
		t.Error(err)
	}
	valid.Store(99) // a renewed token that is refused is an error
	err := calls[OpID](t.Context(), c)
	var e *Error
	if !errors.Is(err, ErrUnauthorized) || !asError(err, &e) || e.Message != "unauthorized: invalid token" || e.MayHaveExecuted || issued.Load() != 4 {
		t.Errorf("%d tokens, %v", issued.Load(), err)
	}
	if err := calls[OpAddMultiFile](t.Context(), c); !errors.Is(err, ErrUnauthorized) || !errors.Is(err, ErrBodyNotReplayable) {
		t.Errorf("one-shot body: %v", err)
	}
}

// A call with credentials that cannot be renewed is not repeated.
func TestUnauthorizedWithoutRenewal(t *testing.T) {
	for name, cfg := range map[string]config.Config{
		"none":   {},
		"basic":  {Username: "alice", Password: "wrong"},
		"static": {Token: "abc"},
		"minted": {Username: "alice", Password: "wrong", MintTTL: time.Hour},
	} {
		r := &recorder{answer: rawserver.JSON(401, unauthorized)}
		s := rawserver.New(t, r.handle)
		cfg.URL = "http://" + s.Addr()
		err := calls[OpID](t.Context(), newClient(t, &cfg))
		if !errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrNotFound) || len(r.requests()) != 1 {
			t.Errorf("%s: %d requests, %v", name, len(r.requests()), err)
		}
		contains(t, err.Error(), "unauthorized: invalid token (401)", "check Username and Password")
	}
}

// C8: Health sent no credentials, so that a proxy that wants them for every request
// answered 401 to every probe. Health sends those that are known, and fetches no token.
func TestHealthBehindAProxyWithAuth(t *testing.T) {
	s := rawserver.New(t, func(r *http.Request) rawserver.Answer {
		if user, password, ok := r.BasicAuth(); !ok || user != "alice" || password != "wonder" {
			return rawserver.JSON(401, unauthorized)
		}
		return rawserver.Response{Status: 204}.Answer()
	})
	if err := newClient(t, &config.Config{URL: "http://" + s.Addr(), Username: "alice", Password: "wonder"}).Health(t.Context()); err != nil {
		t.Error(err)
	}
	for name, cfg := range map[string]*config.Config{
		"fetched":  {Username: "alice", Password: "wonder", FetchToken: true},
		"function": {TokenFunc: func(context.Context) (string, error) { t.Error("a token was asked for"); return "t", nil }},
	} {
		cfg.URL = "http://" + s.Addr()
		if err := newClient(t, cfg).Health(t.Context()); !errors.Is(err, ErrUnauthorized) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// C10: a bearer token of 9 kB was refused at a fixed limit, although the operator had raised
// the server's.
func TestMaxHeaderBytes(t *testing.T) {
	r := &recorder{answer: rawserver.JSON(200, idDoc)}
	s := rawserver.New(t, r.handle)
	token := strings.Repeat("s", 9000)
	for limit, ok := range map[int]bool{0: false, 9000: false, 10_000: true, 1 << 20: true} {
		c, err := NewDefaultClient(&config.Config{URL: "http://" + s.Addr(), Token: token, MaxHeaderBytes: limit})
		if (err == nil) != ok {
			t.Errorf("limit %d: %v", limit, err)
		}
		if err != nil {
			contains(t, err.Error(), "set MaxHeaderBytes")
			continue
		}
		if _, err := c.ID(t.Context()); err != nil {
			t.Errorf("limit %d: %v", limit, err)
		}
		_ = c.Close()
	}
	c := newClient(t, &config.Config{URL: "http://" + s.Addr(), MaxHeaderBytes: 2000})
	_, err := c.ID(WithHeader(t.Context(), http.Header{"Baggage": {strings.Repeat("x", 2000)}}))
	if !isInvalid(err) {
		t.Errorf("above a lower limit: %v", err)
	}
}

// A request without credentials is not repeated with credentials.
func TestUnauthorizedHealth(t *testing.T) {
	r := &recorder{answer: rawserver.JSON(401, unauthorized)}
	s := rawserver.New(t, r.handle)
	c := newClient(t, &config.Config{URL: "http://" + s.Addr(), TokenFunc: func(context.Context) (string, error) {
		t.Error("a token was asked for")
		return "t", nil
	}})
	if err := c.Health(t.Context()); !errors.Is(err, ErrUnauthorized) || len(r.requests()) != 1 {
		t.Errorf("%d requests, %v", len(r.requests()), err)
	}
}

// If the client cannot get a token, it does not send the call's request. The error is that
// of the call, not that of POST /token: if the server does not have this route, that must
// not look like a pin that was not found.
func TestTokenNotToBeHad(t *testing.T) {
	ours := errors.New("vault is sealed")
	for name, test := range map[string]struct {
		answer rawserver.Answer
		fn     func(context.Context) (string, error)
		status int
		is     error
		text   string
	}{
		"wrong password": {answer: rawserver.JSON(401, `{"code":401,"message":"unauthorized: access denied"}`), status: 401, is: ErrUnauthorized, text: "access denied (401)"},
		"old server":     {answer: rawserver.JSON(404, `{"code":404,"message":"not found"}`), is: ErrCredentials, text: "POST /token is unknown"},
		"down":           {answer: rawserver.JSON(503, `{"message":"later"}`), status: 503, text: "later (503)"},
		"empty":          {answer: rawserver.JSON(200, `{"token":""}`), status: 200, is: ErrIncomplete},
		"malformed":      {answer: rawserver.JSON(200, `{"token":"a\r\nX-Injected: 1"}`), status: 200, is: ErrIncomplete, text: "control"},
		"too long":       {answer: rawserver.JSON(200, `{"token":"`+strings.Repeat("s", 8<<10)+`"}`), status: 200, is: ErrIncomplete, text: "room for"},
		"function fails": {fn: func(context.Context) (string, error) { return "", ours }, is: ours, text: "no bearer token"},
		"function large": {fn: func(context.Context) (string, error) { return strings.Repeat("s", 8<<10), nil }, is: ErrCredentials, text: "room for"},
		"function lies":  {fn: func(context.Context) (string, error) { return "a b", nil }, is: ErrCredentials, text: "a space"},
	} {
		var others atomic.Int64
		s := rawserver.New(t, func(r *http.Request) rawserver.Answer {
			if r.URL.Path == "/token" {
				return test.answer
			}
			others.Add(1)
			return rawserver.JSON(200, pinA)
		})
		cfg := config.Config{URL: "http://" + s.Addr(), TokenFunc: test.fn}
		if test.fn == nil {
			cfg.Username, cfg.Password, cfg.FetchToken = "alice", "wonder", true
		}
		c := newClient(t, &cfg)
		for _, op := range []Op{OpUnpin, OpAdd, OpAllocations, OpStatusCids} {
			err := calls[op](t.Context(), c)
			var e *Error
			if !asError(err, &e) || e.Op != op || e.Status != test.status || e.MayHaveExecuted || errors.Is(err, ErrNotFound) {
				t.Errorf("%s, %s: %+v", name, op, err)
				continue
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%s, %s: %v", name, op, err)
			}
			contains(t, err.Error(), test.text)
		}
		if n := others.Load(); n != 0 {
			t.Errorf("%s: %d requests were sent without a token", name, n)
		}
	}
}

// E15: a token of 8 KiB, which no request can carry, was kept for ever, and every call
// failed. The next call must get another token. The size that fits depends on the other
// header fields. A token that fits is used.
func TestTokenThatCannotBeSentIsNotKept(t *testing.T) {
	r := &recorder{answer: rawserver.JSON(200, idDoc)}
	s := rawserver.New(t, r.handle)
	for _, test := range []struct{ headers, token int }{{0, 8 << 10}, {4 << 10, 4 << 10}} {
		next := strings.Repeat("s", test.token)
		c := newClient(t, &config.Config{
			URL: "http://" + s.Addr(), Headers: http.Header{"Baggage": {strings.Repeat("x", test.headers)}},
			TokenFunc: func(context.Context) (string, error) { return next, nil },
		})
		err := calls[OpID](t.Context(), c)
		if !errors.Is(err, ErrCredentials) {
			t.Errorf("%+v: %v", test, err)
		}
		contains(t, err.Error(), "room for")
		next = strings.Repeat("s", test.token-600)
		if err := calls[OpID](t.Context(), c); err != nil {
			t.Errorf("%+v: the next token: %v", test, err)
		}
	}
}

// Header fields and fixed credentials that no request can carry are an error of the
// constructor. It was an error of every call.
func TestCredentialsThatCannotBeSent(t *testing.T) {
	const limit = 8 << 10
	for name, cfg := range map[string]*config.Config{
		"token":   {Token: strings.Repeat("s", limit)},
		"basic":   {Username: "alice", Password: strings.Repeat("s", limit)},
		"minted":  {Username: strings.Repeat("u", limit), Password: "s", MintTTL: time.Hour},
		"headers": {Headers: http.Header{"Baggage": {strings.Repeat("x", limit)}}},
		"fetched": {Username: "u", Password: "s", FetchToken: true, UserAgent: strings.Repeat("x", limit)},
	} {
		c, err := NewDefaultClient(cfg)
		if err == nil {
			_ = c.Close()
			t.Errorf("%s: no error", name)
			continue
		}
		contains(t, err.Error(), "shorten", "the server accepts 8192")
		if strings.Contains(err.Error(), "sss") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// C8: a token that was refused twice in one call was kept, and the next call began with
// it. An upload that can be sent only once failed for that.
func TestTokenRefusedTwiceIsNotKept(t *testing.T) {
	good := false
	s := rawserver.New(t, func(r *http.Request) rawserver.Answer {
		if r.Header.Get("Authorization") != "Bearer good" {
			return rawserver.JSON(401, unauthorized)
		}
		return rawserver.AddStream([]string{addedA}).Answer()
	})
	c := newClient(t, &config.Config{URL: "http://" + s.Addr(), TokenFunc: func(context.Context) (string, error) {
		if good {
			return "good", nil
		}
		return "expired", nil
	}})
	if err := calls[OpID](t.Context(), c); !errors.Is(err, ErrUnauthorized) {
		t.Error(err)
	}
	good = true
	if err := calls[OpAddMultiFile](t.Context(), c); err != nil {
		t.Error(err)
	}
}

// A call that waits for a token, or for another call that fetches it, ends with its own
// context. The other calls continue to wait.
func TestTokenAndContext(t *testing.T) {
	release := make(chan struct{})
	var fetches atomic.Int64
	fetching := make(chan struct{}, 10)
	c := newClient(t, &config.Config{TokenFunc: func(ctx context.Context) (string, error) {
		fetches.Add(1)
		fetching <- struct{}{}
		select {
		case <-release:
			return "t", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}, RoundTripper: roundTripperFunc(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("sent")
	})})
	first, cancelFirst := context.WithCancel(t.Context())
	defer cancelFirst()
	second, cancelSecond := context.WithCancel(t.Context())
	defer cancelSecond()
	results := [3]chan error{}
	start := func(i int, ctx context.Context) {
		results[i] = make(chan error, 1)
		go func() { results[i] <- calls[OpID](ctx, c) }()
	}
	start(0, first)
	<-fetching
	start(1, second)
	start(2, t.Context())
	cancelSecond()
	if err := <-results[1]; !isCanceled(err) {
		t.Error(err)
	}
	cancelFirst()
	if err := <-results[0]; !isCanceled(err) {
		t.Error(err)
	}
	<-fetching // the third call fetches
	close(release)
	if err := <-results[2]; err == nil || !strings.HasSuffix(err.Error(), ": sent") {
		t.Error(err)
	}
	if n := fetches.Load(); n != 2 {
		t.Errorf("%d fetches", n)
	}
}

// No error contains a secret.
func TestErrorsHoldNoSecrets(t *testing.T) {
	secrets := []string{"s3cret-pass", "s3cret-token", "s3cret-header", base64.StdEncoding.EncodeToString([]byte("alice:s3cret-pass"))}
	for name, answer := range map[string]rawserver.Answer{
		"401":      rawserver.JSON(401, unauthorized),
		"redirect": redirectTo(301, "http://other.test/"),
		"cut":      rawserver.Cut([]byte("HTTP/1.1 200 OK\r\n")),
		"no HTTP":  rawserver.Cut([]byte("SSH-2.0-x\r\n")),
		"reset":    {Reset: true},
	} {
		s := rawserver.New(t, func(*http.Request) rawserver.Answer { return answer })
		for _, cfg := range []config.Config{
			{Username: "alice", Password: "s3cret-pass"},
			{Username: "alice", Password: "s3cret-pass", FetchToken: true},
			{Username: "alice", Password: "s3cret-pass", MintTTL: time.Hour},
			{Token: "s3cret-token"},
			{TokenFunc: func(context.Context) (string, error) { return "s3cret-token\n", nil }},
			{Headers: http.Header{"X-Api-Key": {"s3cret-header"}}},
		} {
			cfg.URL = "http://" + s.Addr()
			c := newClient(t, &cfg)
			for op, do := range calls {
				err := do(t.Context(), c)
				text := fmt.Sprintf("%v %+v %#v", err, err, err)
				for _, secret := range secrets {
					if strings.Contains(text, secret) {
						t.Errorf("%s, %s: %s", name, op, text)
					}
				}
			}
		}
	}
}
