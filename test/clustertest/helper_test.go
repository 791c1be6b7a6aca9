package clustertest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/golden"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// caller sends requests to one peer.
type caller struct {
	t      testing.TB
	client *http.Client
	scheme string
	header http.Header
}

// answer is an answer, read to its end.
type answer struct {
	status  int
	header  http.Header
	trailer http.Header
	body    string
	err     error // of reading the body
}

// newCaller returns a caller for the peer's first address, or over memory.
func newCaller(t testing.TB, p *clustertest.Peer) *caller {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		addr, err := manet.ToNetAddr(p.Addr())
		if err != nil {
			return nil, err
		}
		var d net.Dialer
		return d.DialContext(ctx, addr.Network(), addr.String())
	}
	if p.AddrOf(clustertest.Memory) != nil {
		dial = p.DialContext
	}
	return newCallerOver(t, &http.Transport{DialContext: dial})
}

func newCallerOver(t testing.TB, transport *http.Transport) *caller {
	t.Cleanup(transport.CloseIdleConnections)
	return &caller{
		t: t,
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		scheme: "http",
		header: make(http.Header),
	}
}

// do sends a request. The error is that of receiving the answer's header.
func (c *caller) do(method, target string, body io.Reader, header ...string) (answer, error) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.scheme+"://cluster"+target, body)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = c.header.Clone()
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, resp.Trailer, string(content), err}, nil
}

// call is like do, but fails the test if there is no answer.
func (c *caller) call(method, target string, header ...string) answer {
	c.t.Helper()
	a, err := c.do(method, target, nil, header...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, target, err)
	}
	return a
}

func (c *caller) get(target string) answer { c.t.Helper(); return c.call(http.MethodGet, target) }

// add uploads parts with a query.
func (c *caller) add(query string, parts ...golden.Part) answer {
	c.t.Helper()
	a, err := c.do(http.MethodPost, "/add?"+query, bytes.NewReader(golden.Parts(parts).Encode()), "Content-Type", multipart)
	if err != nil {
		c.t.Fatalf("add: %v", err)
	}
	return a
}

const multipart = "multipart/form-data; boundary=" + golden.Boundary

func file(name, content string) golden.Part {
	return golden.Part{Filename: name, ContentType: "application/octet-stream", Content: golden.Content{Text: content}}
}

// decode decodes the documents of an answer.
func decode[T any](t testing.TB, a answer) []T {
	t.Helper()
	if a.status != http.StatusOK || a.err != nil {
		t.Fatalf("status %d, body %s, error %v", a.status, a.body, a.err)
	}
	var all []T
	for dec := json.NewDecoder(strings.NewReader(a.body)); dec.More(); {
		var v T
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("%v in %s", err, a.body)
		}
		all = append(all, v)
	}
	return all
}

// one is like decode for exactly one document.
func one[T any](t testing.TB, a answer) T {
	t.Helper()
	all := decode[T](t, a)
	if len(all) != 1 {
		t.Fatalf("%d documents: %s", len(all), a.body)
	}
	return all[0]
}

// status returns the status of a CID at each peer, by the peer's name.
func (c *caller) status(cid string) map[string]api.TrackerStatus {
	c.t.Helper()
	statuses := make(map[string]api.TrackerStatus)
	for _, info := range one[api.GlobalPinInfo](c.t, c.get("/pins/"+cid)).PeerMap {
		statuses[info.PeerName] = info.Status
	}
	return statuses
}

func (a answer) expect(t testing.TB, status int, body string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, body) {
		t.Errorf("status %d, body %q; want %d and %q", a.status, a.body, status, body)
	}
}
