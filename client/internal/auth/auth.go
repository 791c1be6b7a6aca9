// Package auth provides the Authorization header of requests, from a password or
// from a bearer token. A token is fixed ([Static]), obtained by calling a function
// ([Fetched]), or signed by this package ([Minted]).
package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Authorizer provides the value of the Authorization header. Implementations must
// be safe for concurrent use.
type Authorizer interface {
	// Authorization returns the header's value, or "" for no header.
	Authorization(ctx context.Context) (string, error)
	// Current returns the header's value if it is known, or "". It does not wait.
	Current() string
	// Renew discards refused, a value that the server answered with 401. It
	// reports whether Authorization may return another value now.
	Renew(refused string) bool
}

// Static is an Authorizer whose header never changes. The zero value sends no
// header.
type Static string

// Basic returns the header for a user name and a password.
func Basic(user, password string) Static {
	return Static("Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

// Bearer returns the header for a token.
func Bearer(token string) Static { return Static("Bearer " + token) }

// Authorization implements Authorizer.
func (a Static) Authorization(context.Context) (string, error) { return string(a), nil }

// Current implements Authorizer.
func (a Static) Current() string { return string(a) }

// Renew implements Authorizer.
func (a Static) Renew(string) bool { return false }

// Fetched is an Authorizer that gets a token from a function and keeps it until the
// server refuses it.
type Fetched struct {
	fetch func(context.Context) (string, error)
	room  int // maximum size of the header's value

	turn  chan struct{} // full during a fetch, so that other calls wait and share it
	mu    sync.Mutex
	value string
}

// NewFetched returns a Fetched that gets its tokens from fetch. The Fetched does
// not call fetch concurrently. A token that is not valid in a header, or whose
// header value has more than room bytes, is an error and is not kept.
func NewFetched(fetch func(context.Context) (string, error), room int) *Fetched {
	return &Fetched{fetch: fetch, room: room, turn: make(chan struct{}, 1)}
}

// Current implements Authorizer. It returns the last token, and fetches none.
func (a *Fetched) Current() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.value
}

// Authorization implements Authorizer.
func (a *Fetched) Authorization(ctx context.Context) (string, error) {
	if v := a.Current(); v != "" {
		return v, nil
	}
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if v := a.Current(); v != "" {
		return v, nil
	}
	token, err := a.fetch(ctx)
	if err != nil {
		return "", err
	}
	if err := CheckToken(token, a.room); err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.value = "Bearer " + token
	return a.value, nil
}

// CheckToken returns an error if token is not valid in a header, or if its header
// value has more than room bytes. The error does not contain the token.
func CheckToken(token string, room int) error {
	switch size := len("Bearer ") + len(token); {
	case token == "":
		return errors.New("it is empty")
	case size > room:
		return fmt.Errorf("its header would have %d bytes, and a request has room for %d: use a shorter token or fewer Headers", size, max(room, 0))
	case strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c >= 0x7f }):
		return errors.New("it contains a space, a control or a non-ASCII character")
	}
	return nil
}

// Renew implements Authorizer.
func (a *Fetched) Renew(refused string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.value == refused {
		a.value = ""
	}
	return true
}

// Minted is an Authorizer that signs tokens as the server does, but with an expiry
// time. It uses crypto/hmac, because a JWT library would add a module to every
// program.
type Minted struct {
	user string
	key  []byte
	ttl  time.Duration

	mu      sync.Mutex
	value   string
	expires time.Time
}

// NewMinted returns a Minted that signs tokens for user, with password as the key.
// Each token is valid for ttl.
func NewMinted(user, password string, ttl time.Duration) *Minted {
	return &Minted{user: user, key: []byte(password), ttl: ttl}
}

// Authorization implements Authorizer.
func (a *Minted) Authorization(context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	// A token in the last quarter of its lifetime is replaced, because it might
	// expire in flight.
	if a.expires.Sub(wallClock()) > a.ttl/4 {
		return a.value, nil
	}
	err := a.mint()
	return a.value, err
}

// Current implements Authorizer.
func (a *Minted) Current() string {
	value, err := a.Authorization(context.Background())
	if err != nil {
		return ""
	}
	return value
}

// wallClock returns the time without a monotonic reading. The monotonic clock may
// stop while the machine is suspended, and would then show a token as valid that
// the server sees as expired.
func wallClock() time.Time { return time.Now().Round(0) }

// mint replaces the token by one that is valid from now. a.mu is held.
func (a *Minted) mint() error {
	expires := wallClock().Add(a.ttl)
	claims, err := json.Marshal(struct {
		Issuer string `json:"iss"`
		// Rounded up to a second. Otherwise a TTL below a second would expire at once.
		Expires int64 `json:"exp"`
	}{a.user, expires.Add(time.Second - 1).Unix()})
	if err != nil {
		return err
	}
	b64 := base64.RawURLEncoding
	signed := b64.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + b64.EncodeToString(claims)
	mac := hmac.New(sha256.New, a.key)
	mac.Write([]byte(signed))
	a.value = "Bearer " + signed + "." + b64.EncodeToString(mac.Sum(nil))
	a.expires = expires
	return nil
}

// Renew implements Authorizer. It replaces the refused token, because the server's
// clock may be ahead, so that the token expires early there. A token that was
// signed within the last second would not change.
func (a *Minted) Renew(refused string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.value != refused {
		return true // another call has replaced it
	}
	return a.mint() == nil && a.value != refused
}
