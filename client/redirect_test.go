package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

func trace(r *http.Request) *httptrace.ClientTrace { return httptrace.ContextClientTrace(r.Context()) }

func redirectTo(status int, location string) rawserver.Answer {
	return rawserver.Response{Status: status, Header: [][2]string{{"Location", location}, {"Content-Length", "2"}},
		Body: []byte("go"), Framing: rawserver.Length}.Answer()
}

// U21: a 301 or 302 on a POST was followed as a GET and reported as success with a zero Pin,
// and the body of a 307 on /add could not be sent again. Now the former are errors, and the
// latter is followed with the body.
func TestU21Redirects(t *testing.T) {
	for _, status := range []int{301, 302, 303} {
		r := &recorder{answer: redirectTo(status, "/elsewhere")}
		c := serve(t, r.handle)
		for _, op := range []Op{OpPin, OpUnpin, OpPeerRm, OpRecoverAll, OpAdd, OpRepoGC} {
			before := len(r.requests())
			err := calls[op](t.Context(), c)
			var e *Error
			if !asError(err, &e) || e.Status != status || len(r.requests()) != before+1 {
				t.Errorf("%s, %d: %v", op, status, err)
			}
			contains(t, err.Error(), "would arrive as a GET")
		}
	}
	for _, status := range []int{307, 308} {
		r := &recorder{}
		c := serve(t, func(req *http.Request) rawserver.Answer {
			r.handle(req)
			switch {
			case !strings.HasPrefix(req.URL.Path, "/moved"):
				return redirectTo(status, "/moved"+req.RequestURI)
			case req.URL.Path == "/moved/add":
				return rawserver.AddStream([]string{addedA}).Answer()
			case req.Method == http.MethodPost:
				return rawserver.JSON(200, idDoc)
			default:
				return rawserver.JSON(200, pinA)
			}
		})
		for _, op := range []Op{OpAdd, OpPeerAdd, OpUnpin, OpAllocation} {
			before := len(r.requests())
			if err := calls[op](t.Context(), c); err != nil {
				t.Errorf("%s, %d: %v", op, status, err)
			}
			got := r.requests()[before:]
			if len(got) != 2 || got[0].body != got[1].body || got[0].line != strings.Replace(got[1].line, "/moved", "", 1) ||
				got[0].header.Get("Content-Type") != got[1].header.Get("Content-Type") {
				t.Errorf("%s, %d: %+v", op, status, got)
			}
		}
		// A body that can be read only once cannot be sent again.
		err := calls[OpAddMultiFile](t.Context(), c)
		var e *Error
		if !asError(err, &e) || !errors.Is(err, ErrBodyNotReplayable) || e.Status != status || e.MayHaveExecuted {
			t.Errorf("one-shot body, %d: %v", status, err)
		}
	}
}

// The client follows redirects of a GET on the same host, up to a limit.
func TestRedirectedGet(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := serve(t, func(r *http.Request) rawserver.Answer {
			if r.URL.Path == "/id" {
				return redirectTo(status, "../there%2Fx?y=1")
			}
			if r.RequestURI != "/there%2Fx?y=1" {
				t.Errorf("followed to %s", r.RequestURI)
			}
			return rawserver.JSON(200, idDoc)
		})
		if _, err := c.ID(t.Context()); err != nil {
			t.Errorf("%d: %v", status, err)
		}
	}
	for location, want := range map[string]string{
		"":                           "missing or malformed",
		"http://[::1":                "missing or malformed",
		"http://elsewhere.test/id":   "http://elsewhere.test",
		"//elsewhere.test":           "another host",
		"https://127.0.0.1:1/":       "another host",
		"ftp://127.0.0.1/":           "another host",
		"javascript:alert(1)":        "another host",
		"http://u:secret@e.test/?k=": "http://e.test if",
	} {
		err := calls[OpID](t.Context(), answering(t, redirectTo(302, location)))
		var e *Error
		if !asError(err, &e) || e.Status != 302 || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", location, err)
		}
	}
	for _, status := range []int{300, 305, 306, 399} {
		if err := calls[OpID](t.Context(), answering(t, redirectTo(status, "/x"))); err == nil {
			t.Errorf("%d is taken for a success", status)
		}
	}
}

// Q4: a server redirects GET / to itself for ever. The client ends loops of any length.
func TestQ4RedirectLoops(t *testing.T) {
	for _, location := range []string{"/id", "id", "/id#there", "http://%s/id", "http://user:secret@%s/id"} {
		requests := 0
		c := serve(t, func(r *http.Request) rawserver.Answer {
			requests++
			if strings.Contains(location, "%s") {
				return redirectTo(307, fmt.Sprintf(location, r.Host))
			}
			return redirectTo(307, location)
		})
		if err := calls[OpID](t.Context(), c); err == nil || !strings.Contains(err.Error(), "to itself") || requests != 1 {
			t.Errorf("%s: %d requests, %v", location, requests, err)
		}
	}
	requests := 0
	c := serve(t, func(*http.Request) rawserver.Answer {
		requests++
		return redirectTo(307, fmt.Sprintf("/%d", requests))
	})
	if err := calls[OpAdd](t.Context(), c); err == nil || !strings.Contains(err.Error(), "after 5 redirects") || requests != 6 {
		t.Errorf("%d requests, %v", requests, err)
	}
}

// Credentials never follow a redirect to another host.
func TestRedirectKeepsCredentials(t *testing.T) {
	other := rawserver.New(t, func(r *http.Request) rawserver.Answer {
		t.Errorf("the other host was asked: %v", r.Header)
		return rawserver.JSON(200, idDoc)
	})
	s := rawserver.New(t, func(*http.Request) rawserver.Answer { return redirectTo(307, "http://"+other.Addr()+"/id") })
	c := newClient(t, &config.Config{URL: "http://" + s.Addr(), Username: "alice", Password: "wonder"})
	if _, err := c.ID(t.Context()); err == nil {
		t.Error("no error")
	}
	if _, err := c.Pin(t.Context(), cidA, api.PinOptions{}); err == nil {
		t.Error("no error")
	}
}

func TestSameOrigin(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"http://h", "http://h:80/x", true},
		{"https://h", "https://H:443", true},
		{"https://h:80", "http://h:80", false},
		{"http://h:81", "http://h", false},
		{"http://[::1]:9094", "http://[::1]:9094/", true},
	} {
		a, errA := url.Parse(test.a)
		b, errB := url.Parse(test.b)
		if errA != nil || errB != nil || sameOrigin(a, b) != test.want {
			t.Errorf("%s and %s: %v %v", test.a, test.b, errA, errB)
		}
	}
}
