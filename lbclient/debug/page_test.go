package debug

import (
	"context"
	"errors"
	"fmt"
	"html"
	"image"
	"image/color"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

// hostile is an error text that changes the page visibly if the page interprets it.
const hostile = `</script><img src=x onerror="document.body.style.background='#f0f'"><style>body{background:#f0f}</style><b class=pwned>disk full`

// slowPeer is a peer whose ID takes about latency of virtual time.
type slowPeer struct {
	client.Unimplemented
	name    string
	latency time.Duration
	fails   func(age time.Duration) error // returns the error at an age of the peer; may be nil
	born    time.Time
}

func (p *slowPeer) Endpoint() string { return p.name }
func (p *slowPeer) Close() error     { return nil }

func (p *slowPeer) ID(ctx context.Context) (*api.ID, error) {
	spread := time.Duration((0.8 + 0.6*rand.Float64()) * float64(p.latency))
	select {
	case <-time.After(spread):
	case <-ctx.Done():
		return nil, &client.Error{Op: client.OpID, Endpoint: p.name, Err: ctx.Err()}
	}
	if p.fails != nil {
		if err := p.fails(time.Since(p.born)); err != nil {
			return nil, err
		}
	}
	return &api.ID{}, nil
}

func (p *slowPeer) Health(context.Context) error {
	if p.fails != nil {
		return p.fails(time.Since(p.born))
	}
	return nil
}

// peerName returns the name of peer i.
func peerName(i int) string { return fmt.Sprintf("/ip4/10.0.0.%d/tcp/9094", i) }

// record runs a load balancer over five peers for a virtual minute. One peer begins to
// fail, and another cannot be reached at all. record returns the Handler's responses to
// requests for the snapshot in the last seconds.
func record(t *testing.T) (answers [][]byte) {
	synctest.Test(t, func(t *testing.T) {
		born := time.Now()
		var peers []client.Client
		for i, latency := range []int{12, 18, 230, 40, 1} { // milliseconds
			peers = append(peers, &slowPeer{name: peerName(i + 1), latency: time.Duration(latency) * time.Millisecond, born: born})
		}
		peers[3].(*slowPeer).fails = func(age time.Duration) error {
			if age < 35*time.Second {
				return nil
			}
			return &client.Error{Op: client.OpID, Endpoint: peerName(4), Status: 503, Message: hostile, Err: errors.New("503"), MayHaveExecuted: true}
		}
		peers[4].(*slowPeer).fails = func(time.Duration) error {
			return &client.Error{Op: client.OpID, Endpoint: peerName(5), Err: errors.New("dial tcp 10.0.0.5:9094: connect: connection refused")}
		}
		h := New()
		lb, err := lbclient.New(&strategy.RoundRobin{}, peers, 3, lbclient.WithHooks(h))
		if err != nil {
			t.Fatal(err)
		}
		defer lb.Close()
		h.Watch(lb)
		var wg sync.WaitGroup
		stop := make(chan struct{})
		for range 6 { // callers
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(rand.N(300 * time.Millisecond)):
					}
					if _, err := lb.ID(t.Context()); err != nil {
						t.Errorf("ID: %v", err)
					}
				}
			})
		}
		time.Sleep(58 * time.Second)
		for range 4 {
			time.Sleep(time.Second)
			answers = append(answers, ask(h, http.MethodGet, "/?format=json").Body.Bytes())
		}
		close(stop)
		wg.Wait()
	})
	return answers
}

// The page of a real load balancer in a real browser shows each endpoint, updates itself,
// draws the sparklines, obeys its own policy, and does not interpret texts as markup.
func TestPageInBrowser(t *testing.T) {
	if !needsBrowser(t) {
		return
	}
	answers := record(t)
	if len(answers) == 0 {
		t.Fatal("nothing was recorded")
	}
	page := New()
	var polls atomic.Int64
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !wantsJSON(r) {
			page.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		n := int(polls.Add(1)) - 1
		_, _ = w.Write(answers[min(n, len(answers)-1)])
	}))
	dom, shot, console := browse(t, url, "--window-size=1280,900", "--blink-settings=preferredColorScheme=1")

	if len(console) > 0 {
		t.Errorf("the console says:\n%s", strings.Join(console, "\n"))
	}
	if got := polls.Load(); got < 2 {
		t.Errorf("the page fetched %d snapshots: it does not keep itself up to date", got)
	}
	contains(t, dom, ">live<", "Load balancer /debug/lb/", ">ejected<", ">admitted<", ">retried<", "connection refused")
	for i := range 5 {
		contains(t, dom, ">"+peerName(i+1)+"<")
	}
	checkHostile(t, dom, shot)

	labels, paths := sparklines(dom)
	if len(paths) != 6 {
		t.Fatalf("%d sparklines, want that of the calls and 5 of endpoints: %q", len(paths), labels)
	}
	for i, path := range paths[:4] { // the last two have little traffic
		if strings.Count(path, "L") < 20 {
			t.Errorf("sparkline %q has hardly any points: %q", labels[i], path)
		}
	}
	if b := shot.Bounds(); b.Dx() != 1280 || b.Dy() < 700 {
		t.Errorf("the screenshot has %dx%d pixels", b.Dx(), b.Dy())
	}
	checkColours(t, shot, 150, light, green, red)
	checkFits(t, shot, light)
}

// The checks of this file must detect a page that is wrong.
func TestBrowserNoticesWhatIsWrong(t *testing.T) {
	if !needsBrowser(t) {
		return
	}
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", page().policy)
		fmt.Fprintf(w, "<body style='background: red'><script>alert(1)</script>%s", hostile)
	}))
	dom, shot, console := browse(t, url, "--window-size=400,300")
	if len(console) == 0 {
		t.Error("breaches of the policy are not seen on the console")
	}
	if near(shot, marker) > 0 {
		t.Error("the policy lets a style through")
	}
	if !strings.Contains(dom, "<b class=\"pwned\">") {
		t.Errorf("markup is not seen in the document:\n%s", dom)
	}
}

// The page reports that its server does not respond.
func TestLostServerInBrowser(t *testing.T) {
	if !needsBrowser(t) {
		return
	}
	h := New()
	h.Watch(fixed{{Endpoint: peerName(1), State: lbclient.Admitted}})
	var polls atomic.Int64
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wantsJSON(r) && polls.Add(1) > 1 {
			http.Error(w, "gone", http.StatusBadGateway)
			return
		}
		h.ServeHTTP(w, r)
	}))
	dom, _, _ := browse(t, url)
	contains(t, dom, "not updated: the server answered 502; trying again", ">"+peerName(1)+"<")
}

func contains(t *testing.T, dom string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(dom, part) {
			t.Errorf("the document lacks %q", part)
		}
	}
}

// checkHostile fails the test if the hostile text is missing or was interpreted as
// markup.
func checkHostile(t *testing.T, dom string, shot image.Image) {
	t.Helper()
	if !strings.Contains(html.UnescapeString(dom), hostile) {
		t.Error("the hostile error is not shown")
	}
	// The browser serialises the attributes of markup with quotes. In attribute
	// values and texts it escapes the characters or leaves them unquoted.
	for _, markup := range []string{`<img src="x"`, `<b class="pwned"`} {
		if strings.Contains(dom, markup) {
			t.Errorf("a text became markup: %s", markup)
		}
	}
	if near(shot, marker) > 0 {
		t.Error("a text became a style or a script")
	}
}

// checkColours fails the test if fewer than least pixels have one of the colours.
func checkColours(t *testing.T, shot image.Image, least int, want ...color.RGBA) {
	t.Helper()
	for _, c := range want {
		if n := near(shot, c); n < least {
			t.Errorf("%d pixels of the colour #%02x%02x%02x, want at least %d", n, c.R, c.G, c.B, least)
		}
	}
}

// checkFits fails the test if something extends beyond the right edge.
func checkFits(t *testing.T, shot image.Image, background color.RGBA) {
	t.Helper()
	edge := shot.Bounds()
	edge.Min.X = edge.Max.X - 4
	if n := near(shot.(interface {
		SubImage(image.Rectangle) image.Image
	}).SubImage(edge), background); n != edge.Dx()*edge.Dy() {
		t.Errorf("only %d of %d pixels of the right edge are background: something is too wide", n, edge.Dx()*edge.Dy())
	}
}
