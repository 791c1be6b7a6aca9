package client

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// The requests of every operation, including streams and uploads, have the context's fields.
func TestWithHeaderIsSentWithEveryOperation(t *testing.T) {
	for op, do := range calls {
		rec := &recorder{answer: rawserver.JSON(500, `{"code":500,"message":"x"}`)}
		c := serve(t, rec.handle)
		_ = do(WithHeader(t.Context(), http.Header{"traceparent": {traceparent}}), c)
		requests := rec.requests()
		if len(requests) == 0 {
			t.Errorf("%s: nothing was sent", op)
			continue
		}
		if got := requests[0].header.Get("Traceparent"); got != traceparent {
			t.Errorf("%s: Traceparent %q", op, got)
		}
	}
}

func TestWithHeaderReplacesFields(t *testing.T) {
	rec := &recorder{answer: rawserver.JSON(200, version)}
	c := newClient(t, &config.Config{
		URL:     "http://" + rawserver.New(t, rec.handle).Addr(),
		Headers: http.Header{"X-A": {"config"}, "X-B": {"config"}, "X-C": {"config"}},
	})
	given := http.Header{"X-A": {"1", "2"}, "X-C": nil}
	outer := WithHeader(t.Context(), given)
	inner := WithHeader(outer, http.Header{"x-a": {"3"}, "X-D": {"4"}})
	given["X-A"][0] = "changed later"
	given["X-E"] = []string{"added later"}

	want := []map[string]string{
		{"X-A": "1,2", "X-B": "config"},
		{"X-A": "3", "X-B": "config", "X-D": "4"},
		{"X-A": "config", "X-B": "config", "X-C": "config"},
	}
	for i, ctx := range []context.Context{outer, inner, WithHeader(t.Context(), nil)} {
		if _, err := c.Version(ctx); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for name, values := range rec.requests()[i].header {
			if strings.HasPrefix(name, "X-") {
				got[name] = strings.Join(values, ",")
			}
		}
		if !maps.Equal(got, want[i]) {
			t.Errorf("request %d: got %v, want %v", i, got, want[i])
		}
	}
}

// The fields of a context obey the rules for headers and credentials.
func TestWithHeaderIsChecked(t *testing.T) {
	rec := &recorder{answer: rawserver.JSON(200, version)}
	c := serve(t, rec.handle)
	for name, value := range map[string]string{
		"Authorization": "Bearer s3cret", "host": "elsewhere", "Transfer-Encoding": "chunked", "Content-Type": "x",
		"a b": "x", "X-A": "x\r\nInjected: s3cret",
	} {
		ctx := WithHeader(t.Context(), http.Header{name: {value}})
		_, err := c.Version(WithHeader(ctx, http.Header{"X-Fine": {"1"}}))
		if !isInvalid(err) {
			t.Errorf("%q: %v", name, err)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: the error has the value: %v", name, err)
		}
	}
	if got := rec.requests(); len(got) != 0 {
		t.Errorf("%d requests were sent", len(got))
	}

	// Credentials are allowed on this machine, but not in clear text over the network.
	ctx := WithHeader(t.Context(), http.Header{"Cookie": {"s3cret"}})
	if _, err := c.Version(ctx); err != nil {
		t.Errorf("on a loopback address: %v", err)
	}
	for _, cfg := range []*config.Config{{URL: "http://192.0.2.1:9094"}, {URL: "http://localhost:9094"}, {URL: "http://192.0.2.1:9094", AllowCleartextAuth: true}} {
		round := roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		})
		cfg.RoundTripper = round
		_, err := newClient(t, cfg).Version(ctx)
		if isInvalid(err) == cfg.AllowCleartextAuth {
			t.Errorf("with AllowCleartextAuth %t: %v", cfg.AllowCleartextAuth, err)
		}
	}
}

// A proxy sees the requests to an http address, also to one of this machine.
func TestWithHeaderThroughAProxy(t *testing.T) {
	c := newClient(t, &config.Config{URL: "http://127.0.0.1:1", Proxy: "http://127.0.0.1:1"})
	_, err := c.Version(WithHeader(t.Context(), http.Header{"Cookie": {"s3cret"}}))
	if !isInvalid(err) {
		t.Error(err)
	} else if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("the error shows the value: %v", err)
	}
	c = newClient(t, &config.Config{URL: "https://127.0.0.1:1", Proxy: "http://127.0.0.1:1"})
	if _, err := c.Version(WithHeader(t.Context(), http.Header{"Cookie": {"s3cret"}})); err == nil || isInvalid(err) {
		t.Errorf("through a tunnel: %v", err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The size of the context's fields counts when CIDs are divided into requests.
func TestWithHeaderLeavesLessRoomForCIDs(t *testing.T) {
	rec := &recorder{}
	c := serve(t, func(r *http.Request) rawserver.Answer {
		rec.handle(r)
		var items []string
		for text := range strings.SplitSeq(r.URL.Query().Get("cids"), ",") {
			items = append(items, strings.ReplaceAll(statusA, textA, text))
		}
		return rawserver.Stream(items).Answer()
	})
	var cids []cid.Cid
	for i := range 300 {
		sum, err := multihash.Sum([]byte{byte(i), byte(i >> 8)}, multihash.SHA2_256, -1)
		if err != nil {
			t.Fatal(err)
		}
		cids = append(cids, cid.NewCidV1(cid.Raw, sum))
	}
	ctx := WithHeader(t.Context(), http.Header{"Baggage": {strings.Repeat("x", 4000)}})
	infos, err := collect(c.StatusCids(ctx, cids, false))
	if err != nil || len(infos) != len(cids) {
		t.Errorf("%d items, %v", len(infos), err)
	}
	if n := len(rec.requests()); n < 5 {
		t.Errorf("%d requests", n)
	}
}
