package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pinfleet/pinfleet/transport"
)

const whyTLS = "No connection is made, because whoever answers may be another machine."

// tlsFinding returns the finding for a TLS handshake that has failed.
func (e *endpoint) tlsFinding(dial *transport.DialError) (Finding, bool) {
	var (
		invalid   x509.CertificateInvalidError
		name      x509.HostnameError
		authority x509.UnknownAuthorityError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		verify    *tls.CertificateVerificationError
	)
	f := Finding{ID: TLSOther, Severity: Error, What: "the TLS handshake fails: " + cause(dial).Error(), Why: whyTLS,
		Do: "Look at the error. If the server asks for a client certificate, set --cert and --key."}
	switch {
	case errors.As(dial, &invalid) && invalid.Reason == x509.Expired:
		f.ID, f.What = TLSExpired, expiry(invalid.Cert, e.opts.Now())
		f.Do = "Renew the certificate, and check the clocks of both machines."
	case errors.As(dial, &name):
		f.ID, f.What = TLSName, fmt.Sprintf("the certificate is not for %s, but for %s", name.Host, names(name.Certificate))
		f.Do = "Use a name of the certificate in the address, set --server-name, or have a certificate made for this name."
	case errors.As(dial, &authority):
		f.ID, f.What = TLSAuthority, "the certificate is signed by an authority that is not known here"
		f.Do = "Give the certificate of the authority with --ca-file."
	case errors.As(dial, &record):
		f.ID, f.What = TLSNotSpoken, "the address asks for TLS, and the server does not speak it"
		f.Do = "Use an address without /https or /tls, or correct the port."
	case errors.As(dial, &alert), errors.As(dial, &verify), errors.As(dial, &invalid), strings.Contains(dial.Error(), "tls: "):
	default:
		return Finding{}, false
	}
	return f, true
}

// checkCertificate reports a certificate that will expire soon.
func (e *endpoint) checkCertificate() {
	e.wire.mu.Lock()
	certificate := e.wire.certificate
	e.wire.mu.Unlock()
	if certificate == nil || certificate.NotAfter.Sub(e.opts.Now()) >= e.opts.MinValidity {
		return
	}
	f := Finding{ID: TLSExpiresSoon, Severity: Warning, What: expiry(certificate, e.opts.Now()),
		Why: "After that, nothing can be done through this endpoint.", Do: "Renew the certificate, or check why it is not renewed by itself."}
	if e.opts.Now().After(certificate.NotAfter) {
		f.ID = TLSExpired
		f.Why = "It is accepted only because certificates are not verified (--insecure)."
	}
	e.report(f)
}

// expiry describes the validity of a certificate.
func expiry(certificate *x509.Certificate, now time.Time) string {
	const day = "2006-01-02 15:04 MST"
	switch {
	case now.Before(certificate.NotBefore):
		return "the certificate is valid only from " + certificate.NotBefore.UTC().Format(day)
	case now.After(certificate.NotAfter):
		return "the certificate has expired on " + certificate.NotAfter.UTC().Format(day)
	}
	return "the certificate expires on " + certificate.NotAfter.UTC().Format(day)
}

// names returns the names and addresses for which a certificate is valid.
func names(certificate *x509.Certificate) string {
	all := append([]string(nil), certificate.DNSNames...)
	for _, ip := range certificate.IPAddresses {
		all = append(all, ip.String())
	}
	const most = 4
	if len(all) > most {
		all = append(all[:most], fmt.Sprintf("%d more", len(all)-most))
	}
	if len(all) == 0 {
		return "no name"
	}
	return strings.Join(all, ", ")
}
