package clustertest

import (
	"errors"
	"net/http"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pinfleet/pinfleet/api"
)

const (
	basicChallenge   = `Basic realm="Restricted IPFS Cluster API"`
	bearerChallenge  = `Bearer realm="Restricted IPFS Cluster API"`
	invalidChallenge = bearerChallenge + `, error="invalid_token"`
)

var errUnknownIssuer = errors.New("issuer is not a user")

// authenticate requires credentials if Options.BasicAuth has any.
func (p *Peer) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		open := r.Method == http.MethodOptions || r.Method == http.MethodGet && r.URL.Path == "/health"
		if len(p.c.opts.BasicAuth) == 0 || open {
			next.ServeHTTP(w, r)
			return
		}
		if user, password, ok := r.BasicAuth(); ok {
			if !p.c.validPassword(user, password) {
				p.refuse(w, "unauthorized: access denied", basicChallenge)
				return
			}
		} else if token, ok := bearerToken(r); !ok {
			p.refuse(w, "unauthorized: no auth provided", bearerChallenge, basicChallenge)
			return
		} else if _, err := p.c.issuer(token); err != nil {
			p.refuse(w, "unauthorized: invalid token", invalidChallenge)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (p *Peer) refuse(w http.ResponseWriter, message string, challenges ...string) {
	for _, c := range challenges {
		w.Header().Add("Www-Authenticate", c)
	}
	p.sendCode(w, http.StatusUnauthorized, message)
}

func (c *Cluster) validPassword(user, password string) bool {
	want, known := c.opts.BasicAuth[user]
	return known && password == want
}

func bearerToken(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return token, ok && strings.EqualFold(scheme, "bearer")
}

// issuer returns the user who issued a token. The token must be signed with the
// user's password.
func (c *Cluster) issuer(token string) (string, error) {
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) {
		password, ok := c.opts.BasicAuth[claims.Issuer]
		if !ok {
			return nil, errUnknownIssuer
		}
		return []byte(password), nil
	}, jwt.WithValidMethods([]string{"HS256", "HS384", "HS512"}), jwt.WithIssuedAt(), jwt.WithTimeFunc(c.now))
	return claims.Issuer, err
}

func (p *Peer) handleToken(w http.ResponseWriter, r *http.Request, _ map[string]string) {
	user, _, ok := r.BasicAuth()
	if !ok {
		if token, isBearer := bearerToken(r); isBearer {
			// authenticate has checked the token, unless the cluster has no
			// credentials. Then the user stays unknown.
			user, _ = p.c.issuer(token)
		}
	}
	password, ok := p.c.opts.BasicAuth[user]
	if !ok {
		p.sendCode(w, http.StatusUnauthorized, "unauthorized")
		return
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": user}).SignedString([]byte(password))
	send(p, w, api.Token{Token: token}, err)
}
