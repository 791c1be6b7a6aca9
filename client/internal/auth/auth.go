// Package auth makes the Authorization header of requests: from a password, or
// from a bearer token that is given, fetched or signed here.
package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"
)

// Authorizer makes the value of the Authorization header. It is safe for
// concurrent use.
type Authorizer interface {
	// Authorization returns the header's value, empty for none.
	Authorization(ctx context.Context) (string, error)
	// Renew is told the value that the server answered with 401. It returns
	// whether asking again for a value makes sense.
	Renew(refused string) bool
}

// Static is a header that never changes; the zero value is none.
type Static string

// Basic returns the header for a user name and a password.
func Basic(user, password string) Static {
	return Static("Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

// Bearer returns the header for a token.
func Bearer(token string) Static { return Static("Bearer " + token) }

// Authorization implements Authorizer.
func (a Static) Authorization(context.Context) (string, error) { return string(a), nil }

// Renew implements Authorizer.
func (a Static) Renew(string) bool { return false }

// Fetched keeps a token, from POST /token or the user's function, until the
// server refuses it.
type Fetched struct {
	fetch func(context.Context) (string, error)

	turn  chan struct{} // held while fetching: one fetch serves all who wait
	mu    sync.Mutex
	value string
}

// NewFetched returns a Fetched that calls fetch for each token, one call at a
// time.
func NewFetched(fetch func(context.Context) (string, error)) *Fetched {
	return &Fetched{fetch: fetch, turn: make(chan struct{}, 1)}
}

func (a *Fetched) current() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.value
}

// Authorization implements Authorizer.
func (a *Fetched) Authorization(ctx context.Context) (string, error) {
	if v := a.current(); v != "" {
		return v, nil
	}
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if v := a.current(); v != "" {
		return v, nil
	}
	token, err := a.fetch(ctx)
	if err != nil {
		return "", err
	}
	if err := checkToken(token); err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.value = "Bearer " + token
	return a.value, nil
}

// checkToken refuses what cannot stand in a header. It does not show it.
func checkToken(token string) error {
	if token == "" {
		return errors.New("it is empty")
	}
	if strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
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

// Minted signs tokens as the server would, but with an expiry. It is a few
// lines over crypto/hmac, where a JWT library would be one more module in every
// program.
type Minted struct {
	user string
	key  []byte
	ttl  time.Duration

	mu      sync.Mutex
	value   string
	expires time.Time
}

// NewMinted returns a Minted that signs for a user with his password; each token
// is valid for ttl.
func NewMinted(user, password string, ttl time.Duration) *Minted {
	return &Minted{user: user, key: []byte(password), ttl: ttl}
}

// Authorization implements Authorizer.
func (a *Minted) Authorization(context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	// A token in the last quarter of its life might expire on the way.
	if time.Until(a.expires) > a.ttl/4 {
		return a.value, nil
	}
	expires := time.Now().Add(a.ttl)
	claims, err := json.Marshal(struct {
		Issuer string `json:"iss"`
		// Rounded up: a TTL under a second would expire at once.
		Expires int64 `json:"exp"`
	}{a.user, expires.Add(time.Second - 1).Unix()})
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding
	signed := b64.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + b64.EncodeToString(claims)
	mac := hmac.New(sha256.New, a.key)
	mac.Write([]byte(signed))
	a.value = "Bearer " + signed + "." + b64.EncodeToString(mac.Sum(nil))
	a.expires = expires
	return a.value, nil
}

// Renew implements Authorizer.
func (a *Minted) Renew(string) bool { return false }
