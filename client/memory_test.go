package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
)

// elements is an endless body: begin, and then element repeatedly. It counts the bytes
// that were read.
type elements struct {
	begin, element string
	rest           string
	read           int
}

func (e *elements) Read(p []byte) (int, error) {
	if e.read == 0 {
		e.rest = e.begin
	}
	if e.rest == "" {
		e.rest = strings.Repeat(e.element, max(4096/len(e.element), 1))
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	e.read += n
	return n, nil
}

func (e *elements) Close() error { return nil }

// overElements returns a client whose responses have the given endless body.
func overElements(t *testing.T, body *elements) *defaultClient {
	return overRoundTripper(t, func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			_, _ = io.Copy(io.Discard, req.Body)
			_ = req.Body.Close()
		}
		return &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1, Body: body}, nil
	})
}

// A response of 16 MiB, such as Alerts of [{},{},…], Metrics, the keys of a garbage
// collection or the allocations of a pin, became 2 GiB of heap. Now each method has a limit
// for the bytes that it reads, and so for the memory.
func TestAnswersAreBounded(t *testing.T) {
	const kib, mib = 1 << 10, 1 << 20
	long := strings.Repeat("a", 50_000)
	for _, test := range []struct {
		op             Op
		begin, element string
		most           int // maximum number of bytes that the client reads
	}{
		{OpAlerts, "[{}", ",{}", 100 * kib},
		{OpAlerts, "[null", ",null", mib},
		{OpAlerts, `[{"name":"a"}`, `,{"name":"a"}`, 3 * mib},
		{OpMetrics, "[{}", ",{}", 100 * kib},
		{OpMetrics, `[{"name":"a","peer":"` + textPeer + `"}`, `,{"name":"a","peer":"` + textPeer + `"}`, 12 * mib},
		{OpMetrics, `[{"name":"`, `a`, 5 * mib},
		{OpMetricNames, `[""`, `,""`, 3 * mib},
		{OpMetricNames, `{"a":1}`, `{"a":1}`, 100 * kib},
		{OpPeers, "", idDoc + "\n", 12 * mib},
		{OpPeers, "", `{"id":"` + textPeer + `","addresses":[` + strings.Repeat(`"",`, 10_000) + `""]}`, 6 * mib},
		{OpPeers, "", `{"id":"` + textPeer + `","addresses":["` + strings.Repeat("a", 100_000) + `"]}`, 26 * mib},
		{OpPeers, "[" + idDoc, "," + idDoc, 12 * mib},
		{OpID, `{"id":"` + textPeer + `","addresses":[""`, `,""`, 5 * mib},
		{OpVersion, `{"version":"`, "1.1.6.", 2 * mib},
		{OpToken, `{"token":"`, "abc", 2 * mib},
		{OpPin, `{"cid":"` + textA + `","allocations":[""`, `,""`, 2 * mib},
		{OpPinPath, `{"cid":"` + textA + `","origins":[""`, `,""`, 2 * mib},
		{OpStatus, `{"cid":"` + textA + `","peer_map":{"":{}`, `,"":{}`, 5 * mib},
		{OpConnectGraph, `{"cluster_links":{"":[]`, `,"":[]`, 5 * mib},
		{OpBandwidthByProtocol, `{"/a":{}`, `,"/a":{}`, 2 * mib},
		{OpAllocations, `{"cid":"` + textA + `","allocations":[""`, `,""`, 5 * mib},
		{OpStatusAll, `{"cid":"` + textA + `","peer_map":{"":{}`, `,"":{}`, 5 * mib},
		{OpStatusAll, "[" + statusA, " ", 100 * kib},
		{OpRepoGC, `{"peer_map":{"a":{}`, `,"a":{}`, 2 * mib},
		{OpRepoGC, `{"peer_map":{"a":{"peer":"` + long + `"}`, `,"a":{"peer":"` + long + `"}`, 26 * mib},
		{OpRepoGC, `{"a":"`, `a`, mib},
		{OpRepoGC, `{"peer_map":{"a":{"keys":[{"error":"`, `a`, mib},
		{OpAdd, `{"name":"`, "a", 5 * mib},
	} {
		t.Run(fmt.Sprintf("%s of %.20s", test.op, test.begin+test.element), func(t *testing.T) {
			body := &elements{begin: test.begin, element: test.element}
			err := calls[test.op](t.Context(), overElements(t, body))
			var e *Error
			if !asError(err, &e) || !errors.Is(err, ErrIncomplete) || body.read > test.most {
				t.Errorf("%d KiB read: %v", body.read>>10, err)
			}
		})
	}
}

// A document with very many elements is rejected before it is decoded.
func TestDenseDocuments(t *testing.T) {
	many := `{"cid":"` + textA + `","allocations":[` + strings.Repeat(`"",`, 300_000) + `""]}`
	for _, op := range []Op{OpStatus, OpAllocations, OpStatusAll} {
		c := overRoundTripper(t, func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, ContentLength: -1, Body: io.NopCloser(strings.NewReader(many))}, nil
		})
		if err := calls[op](t.Context(), c); !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "more elements") {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// An endless report ends with the call's context, even if the Config's RoundTripper
// ignores the context.
func TestEndlessReportEndsWithTheCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	body := &elements{begin: `{"peer_map":{"` + textPeer + `":{"keys":[{"key":null}`, element: `,{"key":"` + textA + `"}`}
	c := newClient(t, &config.Config{RoundTripper: roundTripperFunc(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, ContentLength: -1, Body: readCloser{readerFunc(func(p []byte) (int, error) {
			if body.read > 32<<20 {
				cancel()
			}
			return body.Read(p)
		}), body}}, nil
	})})
	if report, err := c.RepoGC(ctx, false); !isCanceled(err) || report != nil {
		t.Errorf("%v, %v", report, err)
	}
}

type readCloser struct {
	io.Reader
	io.Closer
}

// The report of a large garbage collection is complete, except for keys that exceed the
// limit. Those are counted.
func TestLargeCollection(t *testing.T) {
	const n = 300_000
	report := `{"other":[1,{"a":2}],"peer_map":{"` + textPeer + `":{"peer":"` + textPeer + `","peername":"p","keys":[` +
		strings.Repeat(`{"key":"`+textA+`"},`, n-1) + `{"key":null,"error":"e"}],"error":"last"},"x":null,"y":{"keys":null}}}` + "\n"
	c := overRoundTripper(t, func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, ContentLength: -1, Body: io.NopCloser(strings.NewReader(report))}, nil
	})
	gc, err := c.RepoGC(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	p := gc.PeerMap[textPeer]
	if p.Peer != peerA || p.Peername != "p" || p.Error != "last" || len(gc.PeerMap) != 3 ||
		len(p.Keys)+p.Omitted != n || len(p.Keys) < 80_000 || p.Keys[1].Key != api.NewCid(cidA) {
		t.Errorf("%s, %s, %s, %d keys and %d, %d peers", p.Peer, p.Peername, p.Error, len(p.Keys), p.Omitted, len(gc.PeerMap))
	}
}
