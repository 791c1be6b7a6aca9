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

// All waiting calls share one fetch. A refused token leads to one more fetch.
func TestFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetches := 0
		a := NewFetched(func(context.Context) (string, error) {
			fetches++
			time.Sleep(time.Second)
			return fmt.Sprint("t", fetches), nil
		})
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
	a := NewFetched(func(context.Context) (string, error) { fetches++; return fmt.Sprint("t", fetches), nil })
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

// A failed fetch, or a token that is not valid in a header, is not kept.
func TestFetchedFails(t *testing.T) {
	ours := errors.New("vault is sealed")
	next, nextErr := "", error(nil)
	a := NewFetched(func(context.Context) (string, error) { return next, nextErr })
	for _, test := range []struct {
		token string
		err   error
		text  string
	}{{"", ours, "sealed"}, {"", nil, "empty"}, {"a b", nil, "a space"}, {"a\r\nX: 1", nil, "control"}, {"ä", nil, "non-ASCII"}} {
		next, nextErr = test.token, test.err
		got, err := a.Authorization(t.Context())
		if got != "" || err == nil || !strings.Contains(err.Error(), test.text) || test.err != nil && !errors.Is(err, test.err) {
			t.Errorf("%q: got %q, %v", test.token, got, err)
		}
	}
	next, nextErr = "good", nil
	if got, err := a.Authorization(t.Context()); got != "Bearer good" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// A call that waits for the fetch of another call ends with its own context.
func TestFetchedWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		a := NewFetched(func(context.Context) (string, error) { <-release; return "t", nil })
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
			if !ok || checkToken(text) != nil {
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
