package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/transport"
)

// endpointAt returns an endpoint that cannot send requests.
func endpointAt(base string) *transport.Endpoint {
	u, err := url.Parse(base)
	if err != nil {
		panic(err)
	}
	return &transport.Endpoint{Name: base, BaseURL: u}
}

// overListing returns a client of a server that reports the status of each requested CID.
// It calls asked with the CIDs of each request.
func overListing(asked func(batch []string)) Client {
	c, err := NewDefaultClient(&config.Config{RoundTripper: roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		batch := strings.Split(r.URL.Query().Get("cids"), ",")
		asked(batch)
		if len(r.URL.RequestURI()) > maxCidsQuery+100 {
			return nil, context.DeadlineExceeded
		}
		var body strings.Builder
		for _, text := range batch {
			body.WriteString(strings.Replace(statusA, textA, text, 1) + "\n")
		}
		return &http.Response{
			StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, TransferEncoding: []string{"chunked"}, ContentLength: -1,
			Trailer: http.Header{trailerError: {""}}, Body: io.NopCloser(strings.NewReader(body.String())),
		}, nil
	})})
	if err != nil {
		panic(err)
	}
	return c
}
