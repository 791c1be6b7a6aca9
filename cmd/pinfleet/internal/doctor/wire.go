package doctor

import (
	"crypto/x509"
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
	return &wire{endpoint: endpoint, now: now}, nil
}

func (w *wire) close() error { return w.endpoint.Close() }

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
	if w.isKeptAlive() {
		sent.Close = false
	}
	began := w.now()
	resp, err := w.endpoint.RoundTripper.RoundTrip(sent)
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
