package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
)

// U25: web sources were fetched with http.DefaultClient, without the call's context and
// without any limit. Now the fetch ends with the call.
func TestU25WebSourceEndsWithTheCall(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"before the header": func(_ http.ResponseWriter, r *http.Request) {},
		"in the body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("begun"))
			w.(http.Flusher).Flush()
		},
	} {
		fetching := make(chan struct{})
		gone := make(chan struct{})
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handler(w, r)
			close(fetching)
			<-r.Context().Done()
			close(gone)
		}))
		_, c := addTo(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Add(ctx, []string{web.URL + "/x"}, nil, nil) }()
		<-fetching
		cancel()
		if err := <-done; !isCanceled(err) || errors.Is(err, ErrSource) {
			t.Errorf("%s: %v", name, err)
		}
		<-gone
		web.Close()
	}
}

func TestWebSources(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/missing":
			http.NotFound(w, r)
		case "/moved":
			http.Redirect(w, r, "/final", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/cut":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "short")
		default:
			fmt.Fprintf(w, "content of %s", r.URL)
		}
	}))
	t.Cleanup(web.Close)
	host := strings.Split(strings.TrimPrefix(web.URL, "http://"), ":")[0]
	a, c := addTo(t)
	for path, want := range map[string]part{
		"/a.txt":        {name: "a.txt", content: "content of /a.txt"},
		"/d/b?q=1#f":    {name: "b", content: "content of /d/b?q=1"},
		"/d/":           {name: "d", content: "content of /d/"},
		"/d/%C3%BC%20x": {name: "ü x", content: "content of /d/%C3%BC%20x"},
		"/moved":        {name: "moved", content: "content of /final"},
		"":              {name: host, content: "content of /"},
		"/":             {name: host, content: "content of /"},
		"/a/..":         {name: host, content: "content of /a/.."},
		"/a/%2e%2e":     {name: host, content: "content of /a/%2e%2e"},
	} {
		if err := c.Add(t.Context(), []string{web.URL + path}, nil, nil); err != nil || len(a.parts) != 1 {
			t.Errorf("%q: %v", path, err)
			continue
		}
		got := a.parts[0]
		if got.name != want.name || got.content != want.content {
			t.Errorf("%q: %+v, want %+v", path, got, want)
		}
		if strings.Contains(got.header, "Abspath") || strings.Contains(got.header, "?…") || !strings.Contains(got.header, "application/octet-stream") {
			t.Errorf("%q: header %s", path, got.header)
		}
	}
	noCopy := &api.AddParams{IPFSAddParams: api.IPFSAddParams{NoCopy: true}}
	source := web.URL + "/x?a=1"
	if err := c.Add(t.Context(), []string{source, web.URL + "/y"}, noCopy, nil); err != nil || !slices.Equal(a.names(), []string{"x", "y"}) {
		t.Errorf("nocopy: %q, %v", a.names(), err)
	}
	contains(t, a.parts[0].header, "Abspath-Encoded: "+url.QueryEscape(source))
	for path, text := range map[string]string{"/missing": "404 Not Found", "/round": "redirects", "/cut": "unexpected EOF"} {
		address := strings.Replace(web.URL, "http://", "http://user:s3cret@", 1) + path + "?sig=s3cret"
		err := c.Add(t.Context(), []string{address}, nil, nil)
		if !errors.Is(err, ErrSource) {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if contains(t, err.Error(), text); strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s shows a secret: %v", path, err)
		}
	}
	web.Close()
	if err := c.Add(t.Context(), []string{web.URL + "/x?sig=s3cret"}, nil, nil); !errors.Is(err, ErrSource) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("no server: %v", err)
	}
}

// If a password contains #, / or ?, net/url parses the text before that as a port, and its
// error quotes it. So the error for a malformed address contained the password.
func TestMalformedWebAddressIsNotShown(t *testing.T) {
	c := newClient(t, &config.Config{})
	for _, address := range []string{"http://me:s3cret#@h/x", "https://me:s3cret/@h", "https://me:s3cret?@h", "http://me:s3cret@h h"} {
		err := c.Add(t.Context(), []string{address}, nil, nil)
		if !isInvalid(err) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
