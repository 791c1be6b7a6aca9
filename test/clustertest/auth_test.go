package clustertest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

func token(t *testing.T, method jwt.SigningMethod, password string, claims jwt.MapClaims) string {
	t.Helper()
	signed, err := jwt.NewWithClaims(method, claims).SignedString([]byte(password))
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + signed
}

func TestAuthentication(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1, BasicAuth: map[string]string{"alice": "wonder"}})
	call := newCaller(t, c.Peer(0))
	past, future := time.Now().Add(-time.Hour).Unix(), time.Now().Add(time.Hour).Unix()
	for name, tc := range map[string]struct {
		authorization string
		want          string // message of the 401
	}{
		"basic":               {"Basic YWxpY2U6d29uZGVy", ""},
		"basic in lower case": {"basic YWxpY2U6d29uZGVy", ""},
		"basic, garbage":      {"Basic !!!", "unauthorized: no auth provided"},
		"basic, no password":  {"Basic YWxpY2U6", "unauthorized: access denied"},
		"HS256":               {token(t, jwt.SigningMethodHS256, "wonder", jwt.MapClaims{"iss": "alice"}), ""},
		"HS384":               {token(t, jwt.SigningMethodHS384, "wonder", jwt.MapClaims{"iss": "alice"}), ""},
		"HS512, expires":      {token(t, jwt.SigningMethodHS512, "wonder", jwt.MapClaims{"iss": "alice", "exp": future}), ""},
		"expired":             {token(t, jwt.SigningMethodHS256, "wonder", jwt.MapClaims{"iss": "alice", "exp": past}), "unauthorized: invalid token"},
		"not yet":             {token(t, jwt.SigningMethodHS256, "wonder", jwt.MapClaims{"iss": "alice", "nbf": future}), "unauthorized: invalid token"},
		"issued later":        {token(t, jwt.SigningMethodHS256, "wonder", jwt.MapClaims{"iss": "alice", "iat": future}), "unauthorized: invalid token"},
		"wrong key":           {token(t, jwt.SigningMethodHS256, "builder", jwt.MapClaims{"iss": "alice"}), "unauthorized: invalid token"},
		"no issuer":           {token(t, jwt.SigningMethodHS256, "wonder", jwt.MapClaims{}), "unauthorized: invalid token"},
		"no token":            {"Bearer", "unauthorized: no auth provided"},
		"nothing":             {"", "unauthorized: no auth provided"},
	} {
		t.Run(name, func(t *testing.T) {
			a := call.call(http.MethodGet, "/id", "Authorization", tc.authorization)
			if tc.want == "" {
				a.expect(t, 200, "peer0")
				return
			}
			a.expect(t, 401, tc.want)
			if a.header.Get("Vary") != "" {
				t.Error("refused after CORS")
			}
		})
	}
}

// TestToken fetches a token with each scheme and uses it.
func TestToken(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1, BasicAuth: map[string]string{"alice": "wonder"}})
	call := newCaller(t, c.Peer(0))
	call.header.Set("Authorization", "Basic YWxpY2U6d29uZGVy")
	for range 2 {
		got := one[api.Token](t, call.call(http.MethodPost, "/token"))
		call.header.Set("Authorization", "Bearer "+got.Token)
	}
	call.get("/version").expect(t, 200, "1.1.6")
}

func TestOpenRoutes(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1, BasicAuth: map[string]string{"alice": "wonder"}})
	call := newCaller(t, c.Peer(0))
	for _, tc := range []struct {
		method, target string
		status         int
	}{
		{"GET", "/health", 204}, {"HEAD", "/health", 401}, {"GET", "/health/alerts", 401},
		{"OPTIONS", "/id", 405}, {"OPTIONS", "/nowhere", 404}, {"POST", "/token", 401},
	} {
		if a := call.call(tc.method, tc.target); a.status != tc.status {
			t.Errorf("%s %s: %d, want %d", tc.method, tc.target, a.status, tc.status)
		}
	}
}
