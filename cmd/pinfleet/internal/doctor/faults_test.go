package doctor

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/selfsigned"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// fault is a cluster with something wrong.
type fault struct {
	name    string
	cluster clustertest.Options
	opts    Options
	// breaks damages the cluster, and changes the settings of its endpoints, of which
	// there is one for each peer. Nil does nothing.
	breaks func(t *testing.T, c *clustertest.Cluster, cfgs []*config.Config) []*config.Config
	want   []ID
}

// users are the credentials of clusters that ask for them.
var users = map[string]string{"ann": "secret"}

// change applies f to the settings of the first endpoint.
func change(f func(*config.Config)) func(*testing.T, *clustertest.Cluster, []*config.Config) []*config.Config {
	return func(_ *testing.T, _ *clustertest.Cluster, cfgs []*config.Config) []*config.Config {
		f(cfgs[0])
		return cfgs
	}
}

// inject injects an effect at the first peer, for one route or for all.
func inject(route string, effect clustertest.Effect) func(*testing.T, *clustertest.Cluster, []*config.Config) []*config.Config {
	return func(_ *testing.T, c *clustertest.Cluster, cfgs []*config.Config) []*config.Config {
		c.Peer(0).Inject(clustertest.Fault{Route: route, Effect: effect})
		return cfgs
	}
}

func faults(t *testing.T) []fault {
	return slices.Concat(connectionFaults(), tlsFaults(t), answerFaults(), clusterFaults(), uploadFaults())
}

func connectionFaults() []fault {
	return []fault{
		{name: "peer is stopped", want: []ID{Refused, MemberUnreachable}, breaks: func(_ *testing.T, c *clustertest.Cluster, cfgs []*config.Config) []*config.Config {
			c.Peer(0).Stop()
			return cfgs
		}},
		{name: "peer hangs", opts: Options{Timeout: 5 * time.Second}, want: []ID{NoAnswer}, breaks: inject("", clustertest.Hang())},
		{name: "a route hangs", opts: Options{Timeout: 5 * time.Second}, want: []ID{NoAnswer}, breaks: inject("GET /id", clustertest.Hang())},
		{name: "peer cuts connections", want: []ID{Interrupted}, breaks: inject("", clustertest.CutBefore())},
		{name: "wrong settings", want: []ID{Settings}, breaks: change(func(cfg *config.Config) { cfg.Token, cfg.FetchToken = "", true })},
		{name: "no credentials", cluster: clustertest.Options{BasicAuth: users}, want: []ID{CredentialsMissing},
			breaks: change(func(cfg *config.Config) { cfg.Username, cfg.Password = "", "" })},
		{name: "wrong password", cluster: clustertest.Options{BasicAuth: users}, want: []ID{CredentialsRefused},
			breaks: change(func(cfg *config.Config) { cfg.Password = "guess" })},
	}
}

func tlsFaults(t *testing.T) []fault {
	secure := func(names []string, from, until time.Time) (clustertest.Options, func(*testing.T, *clustertest.Cluster, []*config.Config) []*config.Config) {
		certificate, authority, err := selfsigned.New(names, from, until)
		if err != nil {
			t.Fatal(err)
		}
		return clustertest.Options{Peers: 1, Listen: clustertest.HTTPS, TLS: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}},
			change(func(cfg *config.Config) { cfg.TLS.CA = authority })
	}
	now := time.Now()
	local := []string{"127.0.0.1"}
	expired, trustExpired := secure(local, now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0))
	early, trustEarly := secure(local, now.AddDate(1, 0, 0), now.AddDate(2, 0, 0))
	ending, trustEnding := secure(local, now.AddDate(-1, 0, 0), now.AddDate(0, 0, 3))
	named, trustNamed := secure([]string{"peer.example.org"}, now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
	fresh, trustFresh := secure(local, now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
	return []fault{
		{name: "certificate has expired", cluster: expired, want: []ID{TLSExpired}, breaks: trustExpired},
		{name: "certificate is not valid yet", cluster: early, want: []ID{TLSExpired}, breaks: trustEarly},
		{name: "certificate expires soon", cluster: ending, want: []ID{TLSExpiresSoon}, breaks: trustEnding},
		{name: "certificate of another name", cluster: named, want: []ID{TLSName}, breaks: trustNamed},
		{name: "unknown authority", cluster: fresh, want: []ID{TLSAuthority}, breaks: nil},
		{name: "healthy with TLS", cluster: fresh, want: nil, breaks: trustFresh},
		{name: "TLS at a plain server", want: []ID{TLSNotSpoken}, breaks: change(func(cfg *config.Config) { cfg.SSL = true })},
		{name: "plain HTTP at a TLS server", cluster: fresh, want: []ID{TLSRequired}, breaks: func(_ *testing.T, c *clustertest.Cluster, _ []*config.Config) []*config.Config {
			plain, _, _ := strings.Cut(c.Peer(0).Addr().String(), "/https")
			cfgs, _ := config.ParseAddrs(plain)
			return cfgs
		}},
	}
}

func answerFaults() []fault {
	return []fault{
		{name: "web page", want: []ID{NotTheAPI}, breaks: inject("", clustertest.HTMLAnswer(http.StatusOK))},
		{name: "page not found", want: []ID{NotTheAPI}, breaks: inject("", clustertest.HTMLAnswer(http.StatusNotFound))},
		{name: "login page", want: []ID{Redirected}, breaks: inject("", clustertest.Redirect(http.StatusFound, "https://login.example.org"))},
		{name: "proxy without peer", want: []ID{GatewayDown}, breaks: inject("", clustertest.GatewayAnswer(http.StatusBadGateway, "bad gateway"))},
		{name: "proxy without server", want: []ID{GatewayDown}, breaks: inject("", clustertest.HTMLAnswer(http.StatusServiceUnavailable))},
		{name: "rate limit", want: []ID{Overloaded}, breaks: inject("", clustertest.GatewayAnswer(http.StatusTooManyRequests, "slow down"))},
		{name: "internal error", want: []ID{PeerError}, breaks: inject("GET /version", clustertest.ErrorAnswer(http.StatusInternalServerError, "disk on fire"))},
		{name: "trailers dropped", want: []ID{TrailersDropped}, breaks: inject("GET /peers", clustertest.Trailer())},
		{name: "HTTP/1.0", want: []ID{TrailersDropped}, breaks: inject("GET /peers", clustertest.Undelimited())},
	}
}

func clusterFaults() []fault {
	return []fault{
		{name: "healthy", want: nil},
		{name: "healthy with password", cluster: clustertest.Options{BasicAuth: users}, want: nil},
		{name: "healthy on a Unix socket", cluster: clustertest.Options{Listen: clustertest.Unix}, want: nil},
		{name: "other version", want: []ID{VersionsDiffer}, breaks: inject("GET /id", replaced(`"version":"1.1.6`, `"version":"1.1.2`))},
		{name: "clock of a peer", want: []ID{ClockOff}, breaks: inject("", dated(-3*time.Minute))},
		{name: "clock of this machine", opts: Options{Now: func() time.Time { return time.Now().Add(-time.Hour) }}, want: []ID{ClockHere}},
		{name: "member is down", want: []ID{MemberUnreachable}, breaks: func(_ *testing.T, c *clustertest.Cluster, cfgs []*config.Config) []*config.Config {
			c.Peer(2).Stop()
			return cfgs[:2]
		}},
		{name: "peers apart", want: []ID{PeersApart}, breaks: func(_ *testing.T, c *clustertest.Cluster, cfgs []*config.Config) []*config.Config {
			// The second peer no longer lists the third.
			links := `"` + c.Peer(1).ID().String() + `":[`
			c.InjectAll(clustertest.Fault{Route: "GET /health/graph", Effect: replacedAfter(`"cluster_links"`, links, links[:len(links)-1]+`null,"none":[`)})
			return cfgs
		}},
		{name: "same peer twice", want: []ID{SamePeer}, breaks: func(_ *testing.T, _ *clustertest.Cluster, cfgs []*config.Config) []*config.Config {
			return append(cfgs, cfgs[0].Clone())
		}},
		{name: "two clusters", want: []ID{DifferentClusters}, breaks: func(t *testing.T, _ *clustertest.Cluster, cfgs []*config.Config) []*config.Config {
			other := clustertest.New(t, clustertest.Options{Peers: 1, Identity: "other"})
			return append(cfgs, &config.Config{APIAddr: other.Peer(0).Addr()})
		}},
		{name: "IPFS daemon is down", opts: Options{ReadOnly: true}, want: []ID{IPFSDown}, breaks: func(_ *testing.T, c *clustertest.Cluster, cfgs []*config.Config) []*config.Config {
			c.Peer(1).StopIPFS()
			return cfgs
		}},
		{name: "disk is full", cluster: clustertest.Options{FreeSpace: []uint64{0, 500 << 20}}, want: []ID{DiskLow}},
		{name: "metrics do not arrive", want: []ID{MetricsMissing}, breaks: inject("GET /monitor/metrics/{name}", lastElementOnly())},
		{name: "pins in error", want: []ID{PinsInError}, breaks: func(_ *testing.T, c *clustertest.Cluster, cfgs []*config.Config) []*config.Config {
			c.SetStatus(c.Seed(3)[1], 1, api.TrackerStatusPinError, "context deadline exceeded")
			return cfgs
		}},
		{name: "lost pins", want: []ID{PinsInError}, breaks: func(_ *testing.T, c *clustertest.Cluster, cfgs []*config.Config) []*config.Config {
			c.SetStatus(c.Seed(3)[1], 1, api.TrackerStatusUnexpectedlyUnpinned, "")
			return cfgs
		}},
	}
}

func uploadFaults() []fault {
	return []fault{
		{name: "proxy is not full duplex", want: []ID{HalfDuplex}, breaks: func(t *testing.T, _ *clustertest.Cluster, cfgs []*config.Config) []*config.Config {
			cfgs[0] = behindProxy(t, cfgs[0])
			return cfgs
		}},
		{name: "bytes change on the way", want: []ID{UploadsDamaged}, breaks: inject("POST /add", clustertest.FlipByte(probeHead+5000))},
		{name: "files are left out", want: []ID{UploadsDamaged}, breaks: inject("POST /add", clustertest.OmitFile(1))},
		{name: "follower", cluster: clustertest.Options{Peers: 1, Follower: true}, want: []ID{UploadsRefused}},
		{name: "uploads are limited", want: []ID{UploadsRefused}, breaks: inject("POST /add", clustertest.HTMLAnswer(http.StatusRequestEntityTooLarge))},
		{name: "unpin fails", want: []ID{ProbeLeft}, breaks: inject("DELETE /pins/{hash}", clustertest.ErrorAnswer(http.StatusInternalServerError, "no"))},
	}
}

// TestFaults checks that each fault has its finding and no other, and that nothing is
// left of the upload check.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("uploads several files of 1.5 MB for each fault, and waits for those that hang")
	}
	for _, f := range faults(t) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			c := clustertest.New(t, f.cluster)
			var cfgs []*config.Config
			for _, p := range c.Peers() {
				cfg := &config.Config{APIAddr: p.Addr()}
				if f.cluster.BasicAuth != nil {
					cfg.Username, cfg.Password = "ann", users["ann"]
				}
				cfgs = append(cfgs, cfg)
			}
			if f.breaks != nil {
				cfgs = f.breaks(t, c, cfgs)
			}
			before := len(c.Pinset())
			report, err := Run(t.Context(), cfgs, f.opts)
			if err != nil {
				t.Fatal(err)
			}
			var got []ID
			for _, found := range report.Findings {
				got = append(got, found.ID)
				if found.What == "" || found.Why == "" || found.Do == "" {
					t.Errorf("incomplete: %+v", found)
				}
			}
			if !slices.Equal(got, f.want) {
				t.Errorf("found %q, want %q: %+v", got, f.want, report.Findings)
			}
			if after := len(c.Pinset()); after != before && !slices.Contains(f.want, ProbeLeft) {
				t.Errorf("%d pins before, %d after", before, after)
			}
		})
	}
}

// TestProbeIsNotInError checks that the item of the upload check is not reported while
// peers still list it, as real ones do for a moment.
func TestProbeIsNotInError(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1})
	c.Peer(0).Inject(clustertest.Fault{Route: "DELETE /pins/{hash}", Effect: func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			root, err := cid.Decode(path.Base(r.URL.Path))
			if err != nil || !c.SetStatus(root, 0, api.TrackerStatusUnexpectedlyUnpinned, "") {
				t.Errorf("%s: %v", r.URL.Path, err)
			}
			fmt.Fprintf(w, "{\"cid\":%q}\n", root.String())
		})
	}})
	report, err := Run(t.Context(), []*config.Config{{APIAddr: c.Peer(0).Addr()}}, Options{})
	if err != nil || len(report.Findings) != 0 || len(c.Pinset()) != 1 {
		t.Errorf("%v: %+v, %d pins", err, report.Findings, len(c.Pinset()))
	}
}

// TestNoSecrets checks that the password is in no finding.
func TestNoSecrets(t *testing.T) {
	c := clustertest.New(t, clustertest.Options{Peers: 1, BasicAuth: users})
	cfg := &config.Config{APIAddr: c.Peer(0).Addr(), Username: "ann", Password: "hidden-word"}
	report, err := Run(t.Context(), []*config.Config{cfg}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(report.Findings); len(report.Findings) != 1 || strings.Contains(text, cfg.Password) {
		t.Errorf("the password is printed, or nothing is: %s", text)
	}
}

// behindProxy puts a proxy of Go's standard library in front of an endpoint.
func behindProxy(t *testing.T, cfg *config.Config) *config.Config {
	addr, err := cfg.Address()
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(addr.URL()) },
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0),
	})
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.Start()
	t.Cleanup(front.Close)
	return &config.Config{URL: front.URL}
}

// edited returns an effect that changes the body of an answer.
func edited(edit func([]byte) []byte) clustertest.Effect {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			record := httptest.NewRecorder()
			next.ServeHTTP(record, r)
			for name, values := range record.Header() {
				w.Header()[name] = values
			}
			w.Header().Del("Content-Length")
			w.WriteHeader(record.Code)
			_, _ = w.Write(edit(record.Body.Bytes()))
		})
	}
}

// replaced returns an effect that replaces the first occurrence of a text in an answer.
func replaced(from, to string) clustertest.Effect { return replacedAfter("", from, to) }

// replacedAfter is like replaced for the first occurrence after a mark.
func replacedAfter(mark, from, to string) clustertest.Effect {
	return edited(func(body []byte) []byte {
		at := bytes.Index(body, []byte(mark))
		return append(body[:at:at], bytes.Replace(body[at:], []byte(from), []byte(to), 1)...)
	})
}

// lastElementOnly returns an effect that leaves only the last element of an array.
func lastElementOnly() clustertest.Effect {
	return edited(func(body []byte) []byte {
		at := bytes.LastIndex(body, []byte(`{"name"`))
		return append([]byte("["), body[at:]...)
	})
}

// dated returns an effect that changes the date of the answers.
func dated(by time.Duration) clustertest.Effect {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
			next.ServeHTTP(w, r)
		})
	}
}
