package clustertest_test

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestNow runs a cluster whose clock is in another year than the machine's.
// Some transcripts contain pins with an expiry. Replaying them once failed when
// the machine's clock was past that expiry.
func TestNow(t *testing.T) {
	now := time.Date(2019, 3, 4, 5, 6, 7, 0, time.UTC)
	c := clustertest.New(t, clustertest.Options{
		Peers:     1,
		Now:       func() time.Time { return now },
		BasicAuth: map[string]string{"alice": "wonder"},
	})
	call := newCaller(t, c.Peer(0))
	bearer := func(claims jwt.MapClaims) string {
		claims["iss"] = "alice"
		return token(t, jwt.SigningMethodHS256, "wonder", claims)
	}
	call.call(http.MethodGet, "/id", "Authorization", bearer(jwt.MapClaims{"iat": now.Add(time.Minute).Unix()})).expect(t, 401, "invalid token")
	call.header.Set("Authorization", bearer(jwt.MapClaims{"exp": now.Add(24 * time.Hour).Unix()}))

	at := now.Add(time.Hour)
	pin := one[api.Pin](t, call.call(http.MethodPost, "/pins/"+someCid+"?expire-at="+at.Format(time.RFC3339)))
	if !pin.Timestamp.Equal(now) || !pin.ExpireAt.Equal(at) {
		t.Errorf("pinned at %v until %v, want %v and %v", pin.Timestamp, pin.ExpireAt, now, at)
	}
	pin = one[api.Pin](t, call.call(http.MethodPost, "/pins/"+someCid+"?expire-in=2h"))
	if want := now.Add(2 * time.Hour); !pin.ExpireAt.Equal(want) {
		t.Errorf("expires at %v, want %v", pin.ExpireAt, want)
	}
	for _, r := range c.Peer(0).Requests() {
		if !r.Time.Equal(now) {
			t.Errorf("%s was received at %v, want %v", r.Target, r.Time, now)
		}
	}
	c.Advance(3 * time.Hour)
	if n := len(c.Pinset()); n != 0 {
		t.Errorf("%d pins after the expiry", n)
	}
}

// TestCertificateAtAnyTime checks the certificate with clocks that are far off,
// such as that of a synctest bubble.
func TestCertificateAtAnyTime(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1, Listen: clustertest.HTTPS})
	block, _ := pem.Decode(c.CAPEM())
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, year := range []int{1971, 2000, 2026, 2100, 9999} {
		_, err := certificate.Verify(x509.VerifyOptions{
			DNSName: "localhost", Roots: c.CAPool(), CurrentTime: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC),
		})
		if err != nil {
			t.Errorf("in %d: %v", year, err)
		}
	}
}
