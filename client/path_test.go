package client

import (
	"net/url"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

// U11: paths were put into the URL without escaping, so that a?b pinned a with mangled
// options, a#b pinned a, 100%41 pinned 100A and %zz failed. Now the server decodes
// exactly the given path.
func TestU11PathsAreEscaped(t *testing.T) {
	r := &recorder{answer: rawserver.JSON(200, pinA)}
	c := serve(t, r.handle)
	for given, want := range map[string]string{
		"/ipfs/" + textA + "/a?b":           "/pins/ipfs/" + textA + "/a?b",
		"/ipfs/" + textA + "/a#b":           "/pins/ipfs/" + textA + "/a#b",
		"/ipfs/" + textA + "/100%41":        "/pins/ipfs/" + textA + "/100%41",
		"/ipfs/" + textA + "/%zz":           "/pins/ipfs/" + textA + "/%zz",
		"/ipfs/" + textA + "/%2F":           "/pins/ipfs/" + textA + "/%2F",
		"/ipfs/" + textA + "/a b/c+d":       "/pins/ipfs/" + textA + "/a b/c+d",
		"/ipfs/" + textA + "/ünï/日本":        "/pins/ipfs/" + textA + "/ünï/日本",
		"/ipfs/" + textA + "/a&b=c;d":       "/pins/ipfs/" + textA + "/a&b=c;d",
		"/ipfs/" + textA + "/\xff\x01\"":    "/pins/ipfs/" + textA + "/\xff\x01\"",
		"/ipfs/" + textA + "/a/":            "/pins/ipfs/" + textA + "/a",
		"/ipfs/" + textA + "/a//b/./c/../d": "/pins/ipfs/" + textA + "/a/b/d",
		"/ipfs/" + textA + "/recover":       "/pins/ipfs/" + textA + "/recover",
		"/ipns/docs.ipfs.tech/a":            "/pins/ipns/docs.ipfs.tech/a",
		"/ipld/" + textB:                    "/pins/ipld/" + textB,
		textA:                               "/pins/ipfs/" + textA,
		textA + "/a?b":                      "/pins/ipfs/" + textA + "/a?b",
		"/" + textA + "/a":                  "/pins/ipfs/" + textA + "/a",
	} {
		for _, do := range []func() error{
			func() error { return second(c.PinPath(t.Context(), given, api.PinOptions{Name: "n?&"})) },
			func() error { return second(c.UnpinPath(t.Context(), given)) },
		} {
			if err := do(); err != nil {
				t.Errorf("%q: %v", given, err)
				continue
			}
			_, target, _ := strings.Cut(r.last(t), " ")
			u, err := url.ParseRequestURI(target)
			if err != nil || u.Path != want {
				t.Errorf("%q: the server sees %q, want %q", given, u.Path, want)
			}
			if q := u.Query(); len(q) > 0 && (q.Get("name") != "n?&" || len(q) != 6) {
				t.Errorf("%q: the server sees the options %v", given, q)
			}
		}
	}
}

// U11, for metrics: any name is sent as one segment. (No server has metrics with a slash
// in their names: it answers 404.)
func TestU11MetricNamesAreEscaped(t *testing.T) {
	r := &recorder{answer: rawserver.JSON(200, "[]")}
	c := serve(t, r.handle)
	for name, want := range map[string]string{
		"ping":          "ping",
		"tag:group":     "tag:group",
		"a/b?c":         "a%2Fb%3Fc",
		"100%41 #":      "100%2541%20%23",
		"...":           "...",
		"../peers":      "..%2Fpeers",
		"freespace/../": "freespace%2F..%2F",
	} {
		if _, err := c.Metrics(t.Context(), name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if got := r.last(t); got != "GET /monitor/metrics/"+want {
			t.Errorf("%q: %s", name, got)
		}
	}
	notFound := answering(t, rawserver.JSON(404, `{"code":404,"message":"not found"}`))
	if _, err := notFound.Metrics(t.Context(), "a/b"); err == nil || !strings.Contains(err.Error(), "not found (404)") {
		t.Error(err)
	}
}
