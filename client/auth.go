package client

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

// authorizer makes the value of the Authorization header. It is safe for
// concurrent use.
type authorizer interface {
	// authorization returns the header's value, empty for none.
	authorization(ctx context.Context) (string, error)
	// renew is told the value that the server answered with 401. It returns
	// whether asking again for a value makes sense.
	renew(refused string) bool
}

// staticAuth is a header that never changes; the zero value is none.
type staticAuth string

// basicAuth returns the header for a user name and a password.
func basicAuth(user, password string) staticAuth {
	return staticAuth("Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

// bearerAuth returns the header for a token.
func bearerAuth(token string) staticAuth { return staticAuth("Bearer " + token) }

// authorization implements authorizer.
func (a staticAuth) authorization(context.Context) (string, error) { return string(a), nil }

// renew implements authorizer.
func (a staticAuth) renew(string) bool { return false }

// fetchedAuth keeps a token, from POST /token or the user's function, until the
// server refuses it.
type fetchedAuth struct {
	fetch func(context.Context) (string, error)

	turn  chan struct{} // held while fetching: one fetch serves all who wait
	mu    sync.Mutex
	value string
}

// newFetchedAuth returns a fetchedAuth that calls fetch for each token, one call at a
// time.
func newFetchedAuth(fetch func(context.Context) (string, error)) *fetchedAuth {
	return &fetchedAuth{fetch: fetch, turn: make(chan struct{}, 1)}
}

func (a *fetchedAuth) current() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.value
}

// authorization implements authorizer.
func (a *fetchedAuth) authorization(ctx context.Context) (string, error) {
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

// renew implements authorizer.
func (a *fetchedAuth) renew(refused string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.value == refused {
		a.value = ""
	}
	return true
}

// mintedAuth signs tokens as the server would, but with an expiry. It is a few
// lines over crypto/hmac, where a JWT library would be one more module in every
// program.
type mintedAuth struct {
	user string
	key  []byte
	ttl  time.Duration

	mu      sync.Mutex
	value   string
	expires time.Time
}

// newMintedAuth returns a mintedAuth that signs for a user with his password; each token
// is valid for ttl.
func newMintedAuth(user, password string, ttl time.Duration) *mintedAuth {
	return &mintedAuth{user: user, key: []byte(password), ttl: ttl}
}

// authorization implements authorizer.
func (a *mintedAuth) authorization(context.Context) (string, error) {
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

// renew implements authorizer.
func (a *mintedAuth) renew(string) bool { return false }
