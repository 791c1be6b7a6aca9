package field

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"
)

// goProxies returns configurations of httputil.ReverseProxy. When a response begins
// before the end of the request, Go's server discards up to 256 KiB of the request,
// unless the proxy is full duplex or the connection is not to be used again (B1).
// Of two proxies in a row, the second one does not learn that the client does not
// want to use its connection again.
func goProxies() []proxy {
	plain, duplex := goProxy{flush: -1}, goProxy{flush: -1, fullDuplex: true}
	return []proxy{
		{name: "go", start: goProxy{}.start},
		{name: "go-flushing", start: plain.start},
		{name: "go-full-duplex", start: duplex.start},
		{name: "go-behind-go", damages: true, start: func(t *testing.T, peers []string) []string {
			return duplex.start(t, plain.start(t, peers))
		}},
	}
}

type goProxy struct {
	flush      time.Duration // ReverseProxy.FlushInterval
	fullDuplex bool          // read the request while the response is sent
}

func (g goProxy) start(t *testing.T, peers []string) []string {
	t.Helper()
	var fronts []string
	for _, peer := range peers {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		reverse := &httputil.ReverseProxy{
			Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: peer}) },
			Transport:     transport,
			FlushInterval: g.flush,
			ErrorLog:      log.New(io.Discard, "", 0),
		}
		front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if g.fullDuplex {
				if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
					t.Errorf("full duplex: %v", err)
				}
			}
			reverse.ServeHTTP(w, r)
		}))
		front.Config.ErrorLog = log.New(io.Discard, "", 0)
		front.Start()
		t.Cleanup(front.Close)
		fronts = append(fronts, front.Listener.Addr().String())
	}
	return fronts
}
