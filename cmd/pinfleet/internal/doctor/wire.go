package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/transport"
)

// wire is the connection to an endpoint. It performs the requests of a client and
// records what the client does not show: the clock in the answers, the certificate, and
// whether trailers are announced. It is safe for concurrent use.
type wire struct {
	endpoint *transport.Endpoint
	kept     *http.Transport // keeps the connections of uploads; nil for sockets, libp2p and a RoundTripper of the user
	now      func() time.Time

	mu          sync.Mutex
	certificate *x509.Certificate // of the server; nil without TLS
	dated       bool              // an answer had a date
	ahead       time.Duration     // of the endpoint's clock over this machine's; of the answer with the smallest doubt
	doubt       time.Duration     // the largest error of ahead
	listing     *http.Response    // the last listing; its body belongs to the client
	keepAlive   bool              // uploads do not say that their connection is used only once
}

func openWire(cfg *config.Config, now func() time.Time) (*wire, error) {
	endpoint, err := transport.Open(cfg)
	if err != nil {
		return nil, err
	}
	w := &wire{endpoint: endpoint, now: now}
	if err := w.openKept(cfg); err != nil {
		return nil, errors.Join(err, endpoint.Close())
	}
	return w, nil
}

// openKept sets kept. The endpoint's RoundTripper says of each upload that its
// connection ends with it.
func (w *wire) openKept(cfg *config.Config) error {
	addr, err := cfg.Address()
	if err != nil || cfg.RoundTripper != nil || addr.Scheme != config.SchemeHTTP && addr.Scheme != config.SchemeHTTPS {
		return err
	}
	dialer, err := transport.NewDialer(cfg, addr)
	if err != nil {
		return err
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return dialer.DialContext(ctx) }
	w.kept = &http.Transport{DialContext: dial, DialTLSContext: dial, DisableCompression: true}
	return nil
}

func (w *wire) close() error {
	if w.kept != nil {
		w.kept.CloseIdleConnections()
	}
	return w.endpoint.Close()
}

// config returns the settings of a client that sends its requests through w.
func (w *wire) config(cfg *config.Config) *config.Config {
	cfg = cfg.Clone()
	cfg.RoundTripper = w
	cfg.TLS, cfg.ProtectorKey, cfg.Libp2pHost = config.TLS{}, nil, nil // w.endpoint has them
	// The checks of the listings and uploads look for these faults themselves.
	cfg.AllowUnverifiedStreams, cfg.BufferedAdds, cfg.SkipVerify = true, false, false
	return cfg
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := req.Clone(req.Context())
	// The server name of the endpoint's settings is missing in those of the client.
	sent.URL.Host, sent.Host = w.endpoint.BaseURL.Host, w.endpoint.BaseURL.Host
	through := w.endpoint.RoundTripper
	if w.isKeptAlive() && req.Body != nil {
		sent.Close = false
		if w.kept != nil {
			through = w.kept
		}
	}
	began := w.now()
	resp, err := through.RoundTrip(sent)
	if err == nil && resp != nil {
		w.record(req, resp, began, w.now())
	}
	return resp, err
}

func (w *wire) isKeptAlive() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.keepAlive
}

// keepConnections makes uploads look like those of programs that do not announce that
// the connection ends with the upload.
func (w *wire) keepConnections(keep bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keepAlive = keep
}

func (w *wire) record(req *http.Request, resp *http.Response, began, ended time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		w.certificate = resp.TLS.PeerCertificates[0]
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		// The date is that of some moment between the two, without its fraction of a
		// second.
		half := ended.Sub(began) / 2
		ahead, doubt := date.Add(time.Second/2).Sub(began.Add(half)), half+time.Second/2
		if !w.dated || doubt < w.doubt {
			w.dated, w.ahead, w.doubt = true, ahead, doubt
		}
	}
	if req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, "/peers") && resp.StatusCode == http.StatusOK {
		w.listing = resp
	}
}

// dropsTrailers reports whether a listing has arrived without the trailer with which a
// server ends it. It must not be called while a call is in progress.
func (w *wire) dropsTrailers() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.listing != nil && len(w.listing.Trailer["X-Stream-Error"]) == 0
}
