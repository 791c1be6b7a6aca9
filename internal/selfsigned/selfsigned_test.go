package selfsigned

import (
	"crypto/x509"
	"testing"
	"time"
)

func TestNew(t *testing.T) {
	from := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	until := from.AddDate(1, 0, 0)
	certificate, authority, err := New([]string{"127.0.0.1", "::1", "a.example"}, from, until)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		t.Fatalf("no certificate: %s", authority)
	}
	for _, test := range []struct {
		host  string
		at    time.Time
		valid bool
	}{
		{"127.0.0.1", from, true},
		{"::1", until, true},
		{"a.example", from, true},
		{"b.example", from, false},
		{"127.0.0.1", from.Add(-time.Second), false},
		{"127.0.0.1", until.Add(time.Second), false},
	} {
		_, err := parsed.Verify(x509.VerifyOptions{DNSName: test.host, CurrentTime: test.at, Roots: roots})
		if (err == nil) != test.valid {
			t.Errorf("%s at %v: %v", test.host, test.at, err)
		}
	}
}
