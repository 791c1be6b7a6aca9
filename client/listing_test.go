package client

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

// pinsOf lists the pinset.
func pinsOf(t testing.TB, c Client) ([]*api.Pin, error) {
	t.Helper()
	return collect(c.Allocations(t.Context(), api.AllType))
}

func TestListing(t *testing.T) {
	document := func(status int, body string, header ...[2]string) rawserver.Answer {
		r := rawserver.Response{Status: status, Header: header, Body: []byte(body), Framing: rawserver.Length}
		return r.Answer()
	}
	for name, test := range map[string]struct {
		answer rawserver.Answer
		want   int
	}{
		"items": {rawserver.Stream([]string{pinA, pinB}).Answer(), 2},
		"one chunk": {func() rawserver.Answer {
			r := rawserver.Stream([]string{pinA, pinB})
			r.Chunks = nil
			return r.Answer()
		}(), 2},
		"nothing":        {document(204, "", [2]string{"Trailer", "X-Stream-Error"}), 0},
		"old: array":     {rawserver.JSON(200, "["+pinA+","+pinB+"]\n"), 2},
		"old: no items":  {rawserver.JSON(200, "[]\n"), 0},
		"old: null":      {rawserver.JSON(200, "null\n"), 0},
		"old: HTTP/1.0":  {rawserver.Response{Proto: "HTTP/1.0", Status: 200, Body: []byte("[" + pinA + "]"), Framing: rawserver.Close}.Answer(), 1},
		"CID as object":  {rawserver.JSON(200, `[{"cid":{"/":"`+textA+`"},"type":2}]`), 1},
		"unknown fields": {rawserver.Stream([]string{`{"new":{"x":[1]},` + pinA[1:]}).Answer(), 1},
	} {
		pins, err := pinsOf(t, answering(t, test.answer))
		if err != nil || len(pins) != test.want {
			t.Errorf("%s: %d items, error %v", name, len(pins), err)
		}
		if len(pins) > 0 && pins[0].Cid.String() != textA {
			t.Errorf("%s: first item %s", name, pins[0].Cid)
		}
	}
}

// U18: an error in the middle of a stream was that of the JSON or HTTP library, without
// type, endpoint or operation. Now a cut at any byte yields exactly the items that arrived
// whole, and then an Error. It never looks like the regular end.
func TestU18CutInEveryPlace(t *testing.T) {
	wire := rawserver.Stream([]string{pinA, pinB}).Wire()
	header := strings.Index(string(wire), "\r\n\r\n") + 4
	firstItem := strings.Index(string(wire), pinA) + len(pinA)
	secondItem := strings.Index(string(wire), pinB) + len(pinB)
	cut := len(wire)
	c := serve(t, func(*http.Request) rawserver.Answer { return rawserver.Cut(wire[:cut]) })
	for cut = range wire {
		pins, err := pinsOf(t, c)
		var e *Error
		if !asError(err, &e) || e.Op != OpAllocations || e.Endpoint == "" || !e.MayHaveExecuted {
			t.Fatalf("cut behind %d bytes: %d items, error %v", cut, len(pins), err)
		}
		want := 0
		switch {
		case cut >= secondItem:
			want = 2
		case cut >= firstItem:
			want = 1
		}
		if len(pins) != want {
			t.Errorf("cut behind %d bytes: %d items, want %d", cut, len(pins), want)
		}
		if cut < header {
			if e.Status != 0 {
				t.Errorf("cut behind %d bytes, in the header: status %d", cut, e.Status)
			}
		} else if e.Status != 200 || !errors.Is(err, ErrIncomplete) {
			t.Errorf("cut behind %d bytes: %v", cut, err)
		}
	}
	cut = len(wire)
	if pins, err := pinsOf(t, c); len(pins) != 2 || err != nil {
		t.Errorf("not cut: %d items, error %v", len(pins), err)
	}
}

// A single document that is cut at any byte is an error, with either framing.
func TestCutDocument(t *testing.T) {
	for name, whole := range map[string]rawserver.Answer{
		"length":  rawserver.JSON(200, pinA+"\n"),
		"chunked": rawserver.Response{Status: 200, Header: [][2]string{{"Transfer-Encoding", "chunked"}}, Body: []byte(pinA), Chunks: []int{7, len(pinA) - 7}, Framing: rawserver.Chunked}.Answer(),
	} {
		wire := whole.Pieces[0]
		cut := 0
		c := serve(t, func(*http.Request) rawserver.Answer { return rawserver.Cut(wire[:cut]) })
		for cut = range wire {
			if pin, err := c.Allocation(t.Context(), cidA); err == nil || pin != nil {
				t.Errorf("%s: cut behind %d of %d bytes: %v, %v", name, cut, len(wire), pin, err)
			}
		}
	}
}

// A reset connection is an Error.
func TestReset(t *testing.T) {
	wire := rawserver.Stream([]string{pinA, pinB}).Wire()
	for _, n := range []int{0, 20, strings.Index(string(wire), pinB)} {
		_, err := pinsOf(t, answering(t, rawserver.Answer{Pieces: [][]byte{wire[:n]}, Reset: true}))
		var e *Error
		if !asError(err, &e) {
			t.Errorf("reset behind %d bytes: %v", n, err)
		}
	}
}

// The trailer reports errors as any number of values after an empty one.
func TestTrailerErrors(t *testing.T) {
	for want, messages := range map[string][]string{
		"boom":               {"boom"},
		"first; second line": {"first", "second line"},
		"twice":              {"twice", "twice"},
		"behind an empty":    {"", "behind an empty"},
	} {
		pins, err := pinsOf(t, answering(t, rawserver.Stream([]string{pinA}, messages...).Answer()))
		var e *Error
		var reported api.Error
		if len(pins) != 1 || !asError(err, &e) || e.Status != 200 || e.Message != want || !e.MayHaveExecuted {
			t.Errorf("%q: %d items, error %v", messages, len(pins), err)
		}
		if !errors.As(err, &reported) || reported.Code != 500 || reported.Message != want {
			t.Errorf("%q: the server's error is %+v", messages, reported)
		}
	}
	// The values of an unannounced trailer count as well.
	r := rawserver.Stream([]string{pinA}, "surprise")
	r.Header = slices.Delete(r.Header, 1, 2)
	if _, err := pinsOf(t, answering(t, r.Answer())); err == nil || !strings.Contains(err.Error(), "surprise") {
		t.Errorf("unannounced trailer: %v", err)
	}
}

// U48: behind a proxy that removes trailers, or speaks HTTP/1.0, errors of a stream were
// lost without notice. Now a stream that cannot be verified is an error, unless the Config
// allows it.
func TestU48UnverifiableStreams(t *testing.T) {
	chunked := [2]string{"Transfer-Encoding", "chunked"}
	announced := [2]string{"Trailer", "X-Stream-Error"}
	body := pinA + "\n"
	for name, r := range map[string]rawserver.Response{
		"announced, but missing": {Status: 200, Header: [][2]string{chunked, announced}, Body: []byte(body), Framing: rawserver.Chunked},
		"buffered by a proxy":    {Status: 200, Header: [][2]string{announced, {"Content-Length", "118"}}, Body: []byte(body + strings.Repeat(" ", 118-len(body))), Framing: rawserver.Length},
		"until the connection closes": {Status: 200, Header: [][2]string{announced}, Body: []byte(body),
			Framing: rawserver.Close},
		"HTTP/1.0": {Proto: "HTTP/1.0", Status: 200, Header: [][2]string{announced}, Body: []byte(body), Framing: rawserver.Close},
	} {
		s := rawserver.New(t, func(*http.Request) rawserver.Answer { return r.Answer() })
		strict := newClient(t, &config.Config{URL: "http://" + s.Addr()})
		_, err := pinsOf(t, strict)
		if !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "AllowUnverifiedStreams") {
			t.Errorf("%s: %v", name, err)
		}
		lenient := newClient(t, &config.Config{URL: "http://" + s.Addr(), AllowUnverifiedStreams: true})
		if pins, err := pinsOf(t, lenient); err != nil || len(pins) != 1 {
			t.Errorf("%s, allowed: %d items, error %v", name, len(pins), err)
		}
	}
	// A server announces the trailer of a successful add, but does not send it.
	add := rawserver.AddStream([]string{addedA})
	if err := answering(t, add.Answer()).Add(t.Context(), []string{"testdata/a"}, nil, nil); err != nil {
		t.Error(err)
	}
}

// U48, continued: if the trailer is not even announced, late errors cannot be detected. The
// client accepts the body if its framing proves that it was not cut, and logs a warning once.
func TestU48UnannouncedTrailer(t *testing.T) {
	body := pinA + "\n"
	for name, r := range map[string]rawserver.Response{
		"chunked": {Status: 200, Header: [][2]string{{"Transfer-Encoding", "chunked"}}, Body: []byte(body), Framing: rawserver.Chunked},
		"length":  {Status: 200, Header: [][2]string{{"Content-Length", strconv.Itoa(len(body))}}, Body: []byte(body), Framing: rawserver.Length},
	} {
		var log bytes.Buffer
		s := rawserver.New(t, func(*http.Request) rawserver.Answer { return r.Answer() })
		c := newClient(t, &config.Config{URL: "http://" + s.Addr(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
		for range 2 {
			if pins, err := pinsOf(t, c); err != nil || len(pins) != 1 {
				t.Errorf("%s: %d items, error %v", name, len(pins), err)
			}
		}
		if n := strings.Count(log.String(), "X-Stream-Error"); n != 1 {
			t.Errorf("%s: %d warnings, want 1:\n%s", name, n, &log)
		}
	}
	add := rawserver.AddStream([]string{addedA})
	old := rawserver.Response{Proto: "HTTP/1.0", Status: 200, Header: add.Header[:2], Body: []byte(addedA), Framing: rawserver.Close}
	if err := answering(t, old.Answer()).Add(t.Context(), []string{"testdata/a"}, nil, nil); !errors.Is(err, ErrIncomplete) {
		t.Errorf("add over HTTP/1.0: %v", err)
	}
	add.Header = slices.Delete(add.Header, 1, 2)
	if err := answering(t, add.Answer()).Add(t.Context(), []string{"testdata/a"}, nil, nil); err != nil {
		t.Errorf("add without an announcement: %v", err)
	}
}

// A listing is closed when the loop ends early or panics. A second loop over it sends a
// new request.
func TestListingIsClosed(t *testing.T) {
	wire := string(rawserver.Stream([]string{pinA}).Wire())
	begun := []byte(wire[:strings.Index(wire, "\r\n0\r\n")+2])
	requests := 0
	c := serve(t, func(*http.Request) rawserver.Answer {
		requests++
		gate := make(chan struct{}, 1)
		gate <- struct{}{} // for the first piece; the listing never ends
		return rawserver.Answer{Pieces: [][]byte{begun, []byte("0\r\n")}, Gate: gate, Close: true}
	})
	seq := c.Allocations(t.Context(), api.AllType)
	for range 2 {
		for pin, err := range seq {
			if err != nil || pin.Cid.String() != textA {
				t.Errorf("%v, %v", pin, err)
			}
			break
		}
	}
	func() {
		defer func() { _ = recover() }()
		for range seq {
			panic("in the loop")
		}
	}()
	if requests != 3 {
		t.Errorf("%d requests", requests)
	}
}

// Documents that no cluster sends are errors, not zero values.
func TestForeignDocuments(t *testing.T) {
	for _, body := range []string{"null", "{}", `{"status":"ok"}`, "[]", "true", "<html><body>Welcome</body></html>", `{"id":`, ""} {
		c := answering(t, rawserver.JSON(200, body))
		for _, op := range []Op{OpID, OpVersion, OpPin, OpUnpin, OpPinPath, OpAllocation, OpStatus, OpRecover, OpToken} {
			err := calls[op](t.Context(), c)
			if !errors.Is(err, ErrIncomplete) {
				t.Errorf("%s, answered %q: %v", op, body, err)
			}
		}
	}
	for _, item := range []string{"{}", `{"code":500,"message":"no"}`, "<html>", `"a"`} {
		if pins, err := pinsOf(t, answering(t, rawserver.Stream([]string{item}).Answer())); !errors.Is(err, ErrIncomplete) || len(pins) > 0 {
			t.Errorf("listing of %s: %d items, error %v", item, len(pins), err)
		}
	}
	for _, status := range []int{201, 202, 203, 205, 206} {
		r := rawserver.Stream([]string{pinA})
		r.Status = status
		if _, err := pinsOf(t, answering(t, r.Answer())); err == nil {
			t.Errorf("a listing with status %d", status)
		}
	}
}
