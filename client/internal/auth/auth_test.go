package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A Static returns its value, and cannot renew it.
func TestStatic(t *testing.T) {
	for want, a := range map[string]Static{"": "", "Basic YWxpY2U6d29uZGVy": Basic("alice", "wonder"), "Bearer a.b.c": Bearer("a.b.c")} {
		if got, err := a.Authorization(t.Context()); got != want || err != nil || a.Renew(got) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

// Current returns the value that the next request would have, but does not wait for a token.
func TestCurrent(t *testing.T) {
	fetches := 0
	fetched := NewFetched(func(context.Context) (string, error) { fetches++; return "t", nil }, room)
	for want, a := range map[string]Authorizer{"": fetched, "Bearer a.b.c": Bearer("a.b.c")} {
		if got := a.Current(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if fetches != 0 {
		t.Error("a token was fetched")
	}
	if _, err := fetched.Authorization(t.Context()); err != nil || fetched.Current() != "Bearer t" {
		t.Errorf("got %q, %v", fetched.Current(), err)
	}
	minted := NewMinted("u", "p", time.Hour)
	if got := minted.Current(); !strings.HasPrefix(got, "Bearer ") {
		t.Errorf("minted: got %q", got)
	}
}

// room is the size of a header value that all tests accept.
const room = 1000

// All waiting calls share one fetch. A refused token leads to one more fetch.
func TestFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetches := 0
		a := NewFetched(func(context.Context) (string, error) {
			fetches++
			time.Sleep(time.Second)
			return fmt.Sprint("t", fetches), nil
		}, room)
		for round := 1; round <= 2; round++ {
			want := fmt.Sprint("Bearer t", round)
			var waiting sync.WaitGroup
			for range 20 {
				waiting.Go(func() {
					if got, err := a.Authorization(t.Context()); got != want || err != nil {
						t.Errorf("got %q, %v, want %q", got, err, want)
					}
				})
			}
			waiting.Wait()
			for range 20 { // all of them were refused
				if !a.Renew(want) {
					t.Error("a token from a function can be renewed")
				}
			}
		}
		if fetches != 2 {
			t.Errorf("%d fetches for 2 tokens", fetches)
		}
	})
}

// A late refusal of an older token does not discard the current one.
func TestFetchedRefusedLate(t *testing.T) {
	fetches := 0
	a := NewFetched(func(context.Context) (string, error) { fetches++; return fmt.Sprint("t", fetches), nil }, room)
	for _, refused := range []string{"", "Bearer t1", "Bearer t1"} {
		a.Renew(refused)
		if _, err := a.Authorization(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := a.Authorization(t.Context()); got != "Bearer t2" || fetches != 2 {
		t.Errorf("got %q after %d fetches", got, fetches)
	}
}

// A failed fetch, or a token that is not valid in a header, is not kept. Neither is a
// token that no request has room for: E15, such a token was kept, and every later call
// failed.
func TestFetchedFails(t *testing.T) {
	ours := errors.New("vault is sealed")
	next, nextErr := "", error(nil)
	a := NewFetched(func(context.Context) (string, error) { return next, nextErr }, room)
	for _, test := range []struct {
		token string
		err   error
		text  string
	}{{"", ours, "sealed"}, {"", nil, "empty"}, {"a b", nil, "a space"}, {"a\r\nX: 1", nil, "control"}, {"ä", nil, "non-ASCII"}, {strings.Repeat("s", room-len("Bearer ")+1), nil, "room for 1000"}} {
		next, nextErr = test.token, test.err
		got, err := a.Authorization(t.Context())
		if got != "" || err == nil || test.token != "" && strings.Contains(err.Error(), test.token) || !strings.Contains(err.Error(), test.text) || test.err != nil && !errors.Is(err, test.err) {
			t.Errorf("%q: got %q, %v", test.token, got, err)
		}
	}
	next, nextErr = strings.Repeat("s", room-len("Bearer ")), nil
	if got, err := a.Authorization(t.Context()); got != "Bearer "+next || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// A call that waits for the fetch of another call ends with its own context.
func TestFetchedWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		a := NewFetched(func(context.Context) (string, error) { <-release; return "t", nil }, room)
		first := make(chan error, 1)
		go func() { _, err := a.Authorization(t.Context()); first <- err }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		second := make(chan error, 1)
		go func() { _, err := a.Authorization(ctx); second <- err }()
		synctest.Wait()
		cancel()
		if err := <-second; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(release)
		if err := <-first; err != nil {
			t.Error(err)
		}
	})
}

// Minted tokens have the form that the server accepts: HS256 with the password as
// key, the user as issuer, and an expiry time. They are renewed before they expire.
func TestMintedTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const user, password = `al"ice`, "wönder"
		a := NewMinted(user, password, 10*time.Minute)
		last, minted := "", 0
		for range 100 {
			value, err := a.Authorization(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			text, ok := strings.CutPrefix(value, "Bearer ")
			if !ok || CheckToken(text, room) != nil {
				t.Fatalf("header %q", value)
			}
			var claims jwt.RegisteredClaims
			token, err := jwt.ParseWithClaims(text, &claims, func(*jwt.Token) (any, error) { return []byte(password), nil },
				jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer(user), jwt.WithExpirationRequired())
			if err != nil || token.Header["typ"] != "JWT" {
				t.Fatal(err)
			}
			if left := time.Until(claims.ExpiresAt.Time); left < 2*time.Minute || left > 10*time.Minute+time.Second {
				t.Errorf("expires in %s", left)
			}
			if value != last {
				minted++
			}
			last = value
			time.Sleep(30 * time.Second)
		}
		if minted < 5 || minted > 8 {
			t.Errorf("%d tokens in 50 minutes", minted)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		a := NewMinted("u", "p", time.Millisecond)
		value, err := a.Authorization(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jwt.Parse(strings.TrimPrefix(value, "Bearer "), func(*jwt.Token) (any, error) { return []byte("p"), nil }); err != nil {
			t.Errorf("a short-lived token is refused at once: %v", err)
		}
		if a.Renew(value) {
			t.Error("a new token would say no more than the one that was refused")
		}
	})
}

// C8: a signed token that the server refused, because its clock was ahead, was sent again
// until three quarters of its lifetime had passed. A refused token is replaced at once,
// unless a new one would be the same.
func TestMintedRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := NewMinted("u", "p", time.Hour)
		refused, err := a.Authorization(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if a.Renew(refused) {
			t.Error("a token that was signed just now was replaced by the same")
		}
		time.Sleep(2 * time.Second)
		for range 2 { // two calls with the same token
			if !a.Renew(refused) {
				t.Error("an older token was not replaced")
			}
		}
		next, err := a.Authorization(t.Context())
		if err != nil || next == refused {
			t.Errorf("the refused token is used again, error %v", err)
		}
		if again, _ := a.Authorization(t.Context()); again != next {
			t.Error("a new token for each call")
		}
	})
}

// C8: the lifetime of a token was measured with the monotonic clock, which stops while
// a machine is suspended.
func TestMintedExpiresByTheWallClock(t *testing.T) {
	a := NewMinted("u", "p", time.Hour)
	if _, err := a.Authorization(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := a.expires.String(); strings.Contains(text, " m=") {
		t.Errorf("%s has a reading of the monotonic clock", text)
	}
}
