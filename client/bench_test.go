package client

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/golden"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

// goldenID returns the answer of a peer in a cluster of three to GET /id.
func goldenID(b *testing.B) []byte {
	files, err := golden.Files()
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		for _, c := range f.Cases {
			if body, known := c.Response.Body.Bytes(); known && f.Name == "crdt" && c.Name == "id" {
				return body
			}
		}
	}
	b.Fatal("there is no such case")
	return nil
}

// BenchmarkID compares ID with http.Get of the same document, with a canned server that
// costs almost nothing and with a net/http server. For the ratio both are measured in
// turns, so that it is reliable even on a busy machine.
func BenchmarkID(b *testing.B) {
	doc := goldenID(b)
	serving := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(doc)
	}))
	defer serving.Close()
	for name, url := range map[string]string{
		"canned":   "http://" + rawserver.Canned(b, rawserver.JSON(200, string(doc)).Pieces[0]).Addr(),
		"net-http": serving.URL,
	} {
		c := newClient(b, &config.Config{URL: url})
		ours := func() error { return second(c.ID(context.Background())) }
		floor := func() error { return fetch(http.DefaultClient, url+"/id") }
		for way, do := range map[string]func() error{"ours": ours, "floor": floor} {
			b.Run(name+"/"+way, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := do(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(name+"/ratio", func(b *testing.B) {
			var took [2]time.Duration
			for b.Loop() {
				for i, do := range []func() error{ours, floor} {
					began := time.Now()
					if err := do(); err != nil {
						b.Fatal(err)
					}
					took[i] += time.Since(began)
				}
			}
			b.ReportMetric(float64(took[0])/float64(took[1]), "ours/floor")
		})
	}
	http.DefaultClient.CloseIdleConnections()
}

func fetch(hc *http.Client, url string) error {
	resp, err := hc.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return err
}
