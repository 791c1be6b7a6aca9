package client

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// unpinned is an effect on adds: everything is added and reported, and then pinning
// fails.
func unpinned(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if query.Get("stream-channels") == "false" {
			http.Error(w, `{"code":500,"message":"no leader"}`, http.StatusInternalServerError)
			return
		}
		query.Set("no-pin", "true")
		r.URL.RawQuery = query.Encode()
		next.ServeHTTP(w, r)
		w.Header().Set(trailerError, "no leader")
	})
}

// behind is an effect on adds: their answers pass a proxy that drops trailers and sets
// a header field.
func behind(name, value string) clustertest.Effect {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(name, value)
			next.ServeHTTP(w, r)
			w.Header().Del(trailerError)
		})
	}
}

// TestUnpinnedBehindProxy: a server reports a failure to pin only in the trailer of a
// streamed add, and a successful add has no trailer. Behind nginx, which drops all
// trailers, an add that was not pinned ended with a nil error (B1, U48).
func TestUnpinnedBehindProxy(t *testing.T) {
	for name, header := range map[string][2]string{"nginx": {"Server", "nginx/1.22.1"}, "another one": {"Via", "1.1 gateway"}} {
		t.Run(name, func(t *testing.T) {
			cluster := clustertest.New(t, clustertest.Options{Peers: 1})
			peer := cluster.Peer(0)
			peer.Inject(clustertest.Fault{Route: "POST /add", Effect: clustertest.Chain(behind(header[0], header[1]), unpinned)})
			c := newClient(t, &config.Config{APIAddr: peer.Addr()})
			err := c.AddMultiFile(t.Context(), multiFile("a", "hello"), nil, nil)
			if !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "BufferedAdds") {
				t.Errorf("AddMultiFile: got the error %v, want one that wraps ErrIncomplete", err)
			}
			var e *Error
			c = newClient(t, &config.Config{APIAddr: peer.Addr()})
			if err := c.Add(t.Context(), []string{"testdata/a"}, nil, nil); !errors.As(err, &e) || !strings.Contains(e.Message, "no leader") {
				t.Errorf("Add: got the error %v, want the one of the second, buffered attempt", err)
			}
		})
	}
}

// TestConfirmedPins: the client asks whether an add was pinned only if it is necessary.
func TestConfirmedPins(t *testing.T) {
	for _, tc := range []struct {
		name   string
		effect clustertest.Effect
		config config.Config
		list   bool // a listing comes first, with its trailer
		asked  int
	}{
		{"no proxy", nil, config.Config{}, false, 0},
		{"a proxy", behind("Server", "proxy"), config.Config{}, false, 1},
		{"a proxy that passes trailers", behind("Server", "proxy"), config.Config{}, true, 0},
		{"a proxy, buffered", behind("Server", "proxy"), config.Config{BufferedAdds: true}, false, 0},
		{"a configuration for a proxy", nil, config.Config{AllowUnverifiedStreams: true}, false, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cluster := clustertest.New(t, clustertest.Options{Peers: 1})
			peer := cluster.Peer(0)
			if tc.effect != nil {
				peer.Inject(clustertest.Fault{Route: "POST /add", Effect: tc.effect})
			}
			tc.config.APIAddr = peer.Addr()
			c := newClient(t, &tc.config)
			if tc.list {
				cluster.Seed(1)
				if _, err := pinsOf(t, c); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.AddMultiFile(t.Context(), multiFile("a", "hello"), nil, nil); err != nil {
				t.Error(err)
			}
			if n := peer.Count("GET /allocations/{hash}"); n != tc.asked {
				t.Errorf("the pin was asked for %d times, want %d", n, tc.asked)
			}
		})
	}
}

// If the client may not ask for the pin, an add whose report was right has succeeded. If
// the request for the pin fails, it is unknown whether the add has succeeded.
func TestPinThatCannotBeAskedFor(t *testing.T) {
	for name, test := range map[string]struct {
		answer clustertest.Effect
		fails  bool
	}{
		"forbidden":       {clustertest.ErrorAnswer(403, "no"), false},
		"a proxy's 404":   {clustertest.HTMLAnswer(404), false},
		"the API's 404":   {clustertest.ErrorAnswer(404, "not part of the pinset"), true},
		"the proxy's 502": {clustertest.GatewayAnswer(502, "bad gateway"), true},
		"no answer":       {clustertest.CutBefore(), true},
	} {
		peer := clustertest.New(t, clustertest.Options{Peers: 1}).Peer(0)
		peer.Inject(clustertest.Fault{Route: "POST /add", Effect: behind("Server", "proxy")})
		peer.Inject(clustertest.Fault{Route: "GET /allocations/{hash}", Effect: test.answer})
		c := newClient(t, &config.Config{APIAddr: peer.Addr()})
		if err := c.AddMultiFile(t.Context(), multiFile("a", "hello"), nil, nil); (err != nil) != test.fails {
			t.Errorf("%s: %v", name, err)
		}
	}
}
