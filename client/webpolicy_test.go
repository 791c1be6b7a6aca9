package client

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
)

// overWeb returns an adder, and a client of it whose web sources are fetched by fetch.
func overWeb(t *testing.T, policy config.WebPolicy, fetch roundTripperFunc) (*adder, *defaultClient) {
	t.Helper()
	a := &adder{}
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	c := newClient(t, &config.Config{URL: s.URL, Web: policy})
	if fetch != nil {
		c.web.RoundTripper = fetch
	}
	return a, c
}

// redirecting answers requests for the keys with a redirect to the values, and all others
// with the content "end". It records the requests.
func redirecting(requests *[]*http.Request, to map[string]string) roundTripperFunc {
	return func(r *http.Request) (*http.Response, error) {
		*requests = append(*requests, r)
		resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("end")), ContentLength: 3, Request: r}
		if location, ok := to[r.URL.String()]; ok {
			resp.StatusCode = 302
			resp.Header.Set("Location", location)
		}
		return resp, nil
	}
}

// E9: a redirect from https:// to http:// was followed, and each redirect carried the
// Referer. It contains the whole address, whose query is often a signature.
func TestE9RedirectsOfWebSources(t *testing.T) {
	for from, test := range map[string]struct {
		to   map[string]string
		hops int
		text string // of the error; "" for success
	}{
		"https://a.test/x?sig=s3cret": {map[string]string{"https://a.test/x?sig=s3cret": "https://b.test/y"}, 2, ""},
		"https://a.test/same?sig=1":   {map[string]string{"https://a.test/same?sig=1": "/y"}, 2, ""},
		"http://a.test/up?sig=s3cret": {map[string]string{"http://a.test/up?sig=s3cret": "https://b.test/y"}, 2, ""},
		"http://a.test/plain":         {map[string]string{"http://a.test/plain": "http://b.test/y"}, 2, ""},
		"https://a.test/down?s=s3cret": {map[string]string{"https://a.test/down?s=s3cret": "http://a.test/y"}, 1,
			"redirected from https:// to an address that is not encrypted"},
		"http://a.test/1": {map[string]string{"http://a.test/1": "https://a.test/2", "https://a.test/2": "http://a.test/3"}, 2, "not encrypted"},
	} {
		var requests []*http.Request
		a, c := overWeb(t, config.WebPolicy{}, redirecting(&requests, test.to))
		err := c.Add(t.Context(), []string{from}, nil, nil)
		if test.text == "" && (err != nil || len(a.parts) != 1 || a.parts[0].content != "end") {
			t.Errorf("%s: %v, %v", from, a.parts, err)
		}
		if test.text != "" && (!errors.Is(err, ErrSource) || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "s3cret")) {
			t.Errorf("%s: error %v", from, err)
		}
		if len(requests) != test.hops {
			t.Errorf("%s: %d requests", from, len(requests))
		}
		for _, r := range requests {
			if r.Referer() != "" {
				t.Errorf("%s: %s has the Referer %s", from, r.URL, r.Referer())
			}
		}
	}
}

// Hosts restricts the address that is given, and the target of each redirect.
func TestWebPolicyHosts(t *testing.T) {
	policy := config.WebPolicy{Hosts: []string{"a.test", "*.cdn.test"}}
	for source, ok := range map[string]bool{
		"http://a.test/x": true, "https://A.test:8443/x": true, "https://x.cdn.test/": true, "http://a.test/to-cdn": true,
		"http://b.test/x": false, "http://a.test@b.test/x": false, "http://b.test/a.test": false, "http://a.test.b.test/": false, "http://cdn.test/x": false,
		"http://a.test/to-b": false, "http://a.test/to-cdn-to-b": false,
	} {
		var requests []*http.Request
		_, c := overWeb(t, policy, redirecting(&requests, map[string]string{
			"http://a.test/to-cdn": "https://y.cdn.test/x", "http://a.test/to-b": "http://b.test/x",
			"http://a.test/to-cdn-to-b": "http://y.cdn.test/to-b", "http://y.cdn.test/to-b": "//b.test/x",
		}))
		err := c.Add(t.Context(), []string{source}, nil, nil)
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "is not one of Config.Web.Hosts") {
			t.Errorf("%s: %v", source, err)
		}
		if !ok && len(requests) == 0 != isInvalid(err) {
			t.Errorf("%s: %v after %d requests", source, err, len(requests))
		}
		for _, r := range requests {
			if strings.HasSuffix(r.URL.Hostname(), "b.test") {
				t.Errorf("%s: %s was requested", source, r.URL)
			}
		}
	}
}

// PublicOnly refuses an address when it is dialled, after the name was resolved.
func TestWebPolicyPublicOnly(t *testing.T) {
	var requests atomic.Int64
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { requests.Add(1); fmt.Fprint(w, "x") }))
	t.Cleanup(web.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(web.URL, "http://"), ":")
	_, c := overWeb(t, config.WebPolicy{PublicOnly: true}, nil)
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"} {
		err := c.Add(t.Context(), []string{"http://" + host + ":" + port + "/x"}, nil, nil)
		if !errors.Is(err, ErrSource) || !strings.Contains(err.Error(), "is not a public address") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if n := requests.Load(); n > 0 {
		t.Errorf("%d requests", n)
	}
	noCopy := &api.AddParams{IPFSAddParams: api.IPFSAddParams{NoCopy: true}}
	if err := c.Add(t.Context(), []string{"https://a.test/x"}, noCopy, nil); !isInvalid(err) || !strings.Contains(err.Error(), "NoCopy") {
		t.Errorf("NoCopy: %v", err)
	}
	if newWebSources(&config.Config{Web: config.WebPolicy{PublicOnly: true}}).RoundTripper.(*http.Transport).Proxy != nil {
		t.Error("a proxy may be used")
	}
	if newWebSources(&config.Config{}).RoundTripper.(*http.Transport).Proxy == nil {
		t.Error("without a policy, the proxies of the environment are not used")
	}
}

// Refuse refuses every web source before anything is sent, but no local file.
func TestWebPolicyRefuse(t *testing.T) {
	var requests []*http.Request
	_, c := overWeb(t, config.WebPolicy{Refuse: true}, redirecting(&requests, nil))
	err := c.Add(t.Context(), []string{"http://user:s3cret@a.test/x"}, nil, nil)
	if !isInvalid(err) || !strings.Contains(err.Error(), "Config.Web.Refuse") || strings.Contains(err.Error(), "s3cret") || len(requests) > 0 {
		t.Errorf("%v, %d requests", err, len(requests))
	}
	if err := c.Add(t.Context(), []string{"testdata/a"}, nil, nil); err != nil {
		t.Error(err)
	}
}

// MaxBytes bounds the content of a source, whether its length is announced or not.
func TestWebPolicyMaxBytes(t *testing.T) {
	for size, ok := range map[int]bool{0: true, 99: true, 100: true, 101: false, 100_000: false} {
		for _, announced := range []bool{true, false} {
			a, c := overWeb(t, config.WebPolicy{MaxBytes: 100}, func(r *http.Request) (*http.Response, error) {
				resp := &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(strings.Repeat("x", size))), ContentLength: -1, Request: r}
				if announced {
					resp.ContentLength = int64(size)
				}
				return resp, nil
			})
			err := c.Add(t.Context(), []string{"http://a.test/x"}, nil, nil)
			if ok && (err != nil || len(a.parts) != 1 || len(a.parts[0].content) != size) {
				t.Errorf("%d bytes: %v", size, err)
			}
			if !ok && (!errors.Is(err, ErrSource) || !strings.Contains(err.Error(), "Config.Web.MaxBytes")) {
				t.Errorf("%d bytes: %v", size, err)
			}
		}
	}
}

// B6: net/http decoded a web source that was sent with Content-Encoding: gzip, so that
// x.tar.gz was stored unpacked under this name. Now the bytes are stored as they come.
func TestB6EncodedWebSource(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte("content"))
	_ = z.Close()
	var asked atomic.Value
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(strings.Join(r.Header["Accept-Encoding"], ","))
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}))
	t.Cleanup(web.Close)
	a, c := addTo(t)
	if err := c.Add(t.Context(), []string{web.URL + "/x.tar.gz"}, nil, nil); err != nil || len(a.parts) != 1 {
		t.Fatalf("%v, %v", a.parts, err)
	}
	if got := a.parts[0]; got.content != packed.String() || got.name != "x.tar.gz" || asked.Load() != "identity" {
		t.Errorf("%+v, asked for %s", got, asked.Load())
	}
}

// An answer with only a part of the file is an error.
func TestPartialWebSource(t *testing.T) {
	_, c := overWeb(t, config.WebPolicy{}, func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 206, Status: "206 Partial Content", Body: http.NoBody, Request: r}, nil
	})
	if err := c.Add(t.Context(), []string{"http://a.test/x"}, nil, nil); !errors.Is(err, ErrSource) || !strings.Contains(err.Error(), "206 Partial Content") {
		t.Error(err)
	}
}
