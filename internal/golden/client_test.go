package golden_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/golden"
	"github.com/pinfleet/pinfleet/internal/rawserver"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestClient serves every recorded answer byte for byte. The client must decode
// it to values that encode to the same text, or to the right error.
// PINFLEET_GOLDEN_DIR names a directory with more transcripts.
func TestClient(t *testing.T) {
	files, err := golden.Files()
	if err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("PINFLEET_GOLDEN_DIR"); dir != "" {
		more, err := golden.LoadDir(dir)
		if err != nil || len(more) == 0 {
			t.Fatalf("%d transcripts in %s, %v", len(more), dir, err)
		}
		files = append(files, more...)
	}
	exact := 0
	for _, f := range files {
		for _, c := range f.Cases {
			t.Run(f.Name+"/"+c.Name, func(t *testing.T) {
				c.Response = known(t, c)
				if replay(t, c) {
					exact++
				}
			})
		}
	}
	if exact < 100 {
		t.Errorf("only %d requests could be sent as they were recorded", exact)
	}
}

// known returns the answer with its body. If only the body's hash was recorded,
// the in-process cluster provides the body, which differs only in allocations.
func known(t *testing.T, c golden.Case) golden.Response {
	t.Helper()
	if _, ok := c.Response.Body.Bytes(); ok {
		return c.Response
	}
	wire, err := c.Request.Encode(strings.NewReplacer())
	if err != nil {
		t.Fatal(err)
	}
	cluster := clustertest.New(t, clustertest.Options{})
	addr, err := (&config.Config{APIAddr: cluster.Peer(0).Addr()}).Address()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", addr.HostPort)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(wire); err != nil {
		t.Fatal(err)
	}
	resp, err := golden.ReadResponse(conn, c.Request.Method)
	if err != nil {
		t.Fatal(err)
	}
	if diffs := c.Diff(resp); len(diffs) > 0 {
		t.Fatalf("the cluster's answer is another one: %q", diffs)
	}
	return resp
}

// refused has the adds that a client refuses, because the server loses a part of them
// (B5) or cannot read them.
var refused = map[string]bool{"add-two-files-no-wrap": true, "add-err-truncated": true}

// replay makes the call of a case against its answer. It reports whether the
// client sends the recorded request.
func replay(t *testing.T, c golden.Case) bool {
	t.Helper()
	requests := make(chan request, 10) // the client makes fewer
	s := rawserver.New(t, func(r *http.Request) rawserver.Answer {
		body, err := io.ReadAll(r.Body)
		if err != nil && !refused[c.Name] {
			t.Errorf("the request's body: %v", err)
		}
		requests <- request{r, body}
		return answer(c.Response)
	})
	cfg := &config.Config{URL: "http://" + s.Addr()}
	credentials(cfg, c.Request.Get("Authorization"))
	cl, err := client.NewDefaultClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	what := callFor(c.Request)
	got, err := what.do(t.Context(), cl)
	if refused[c.Name] {
		if !errors.Is(err, client.ErrInvalid) {
			t.Errorf("got the error %v, want client.ErrInvalid", err)
		}
		return false
	}
	again := c.Response.Status/100 == 3 || what.op == client.OpAddMultiFile && errors.Is(err, client.ErrIncomplete)
	if n := len(requests); n == 0 || n > 1 && !again {
		t.Fatalf("%d requests, error %v", n, err)
	}
	if what.exact {
		(<-requests).compare(t, c.Request)
	}
	checkError(t, what.op, c.Response, err)
	checkValues(t, what, c.Response, got, err)
	return what.exact
}

// answer returns the recorded answer as it was on the wire.
func answer(r golden.Response) rawserver.Answer {
	if r.Closed {
		return rawserver.Answer{Close: true}
	}
	body, _ := r.Body.Bytes()
	wire := rawserver.Response{Proto: r.Proto, Status: r.Status, Reason: r.Reason, Body: body, Chunks: r.Chunks}
	for _, h := range r.Headers {
		wire.Header = append(wire.Header, h)
	}
	for _, t := range r.Trailers {
		wire.Trailers = append(wire.Trailers, t)
	}
	wire.Framing = rawserver.Close
	switch {
	case r.Framing == "chunked":
		wire.Framing = rawserver.Chunked
	case r.Framing == "cut" && r.Chunks != nil: // before the last chunk
		wire.Framing = rawserver.Chunked
		return rawserver.Cut(bytes.TrimSuffix(wire.Wire(), []byte("0\r\n\r\n")))
	case r.Framing == "length" && (r.Get("Content-Length") != "" || r.Status == http.StatusNoContent):
		wire.Framing = rawserver.Length
	}
	return wire.Answer()
}

// credentials makes the client send an Authorization header, if the client
// supports it.
func credentials(cfg *config.Config, header string) {
	scheme, value, _ := strings.Cut(header, " ")
	switch strings.ToLower(scheme) {
	case "basic":
		text, _ := base64.StdEncoding.DecodeString(value)
		user, password, _ := strings.Cut(string(text), ":")
		if user != "" && password != "" {
			cfg.Username, cfg.Password = user, password
		}
	case "bearer":
		cfg.Token = value
	}
}

// request is a request that the client sent.
type request struct {
	*http.Request
	body []byte
}

// compare compares the parts of a request that the server uses with the
// recorded ones: method, path, body, and the pin options that were given.
func (r request) compare(t *testing.T, want golden.Request) {
	t.Helper()
	u, err := url.ParseRequestURI(want.Target)
	if err != nil {
		t.Fatal(err)
	}
	if r.Method != want.Method || r.URL.Path != u.Path {
		t.Errorf("sent %s %s, recorded %s %s", r.Method, r.RequestURI, want.Method, want.Target)
	}
	if r.URL.Path != "/peers" { // clients may encode the body in different ways there
		if content, err := want.Content(); err != nil || !bytes.Equal(r.body, content) {
			t.Errorf("a body of %d bytes was sent, recorded are %d, %v", len(r.body), len(content), err)
		}
	}
	if auth := want.Get("Authorization"); auth != "" && r.Header.Get("Authorization") != "" && !strings.EqualFold(r.Header.Get("Authorization"), auth) {
		t.Errorf("sent Authorization %q, recorded %q", r.Header.Get("Authorization"), auth)
	}
	var gotOpts, wantOpts api.PinOptions
	if r.Method == http.MethodPost && (wantOpts.FromQuery(u.Query()) != nil || gotOpts.FromQuery(r.URL.Query()) != nil ||
		r.URL.Path != "/add" && !gotOpts.Equals(wantOpts) || gotOpts.Name != wantOpts.Name) {
		t.Errorf("sent the options of %s, recorded %s", r.RequestURI, want.Target)
	}
}

// checkError checks whether err agrees with the answer.
func checkError(t *testing.T, op client.Op, r golden.Response, err error) {
	t.Helper()
	var messages []string
	for _, f := range r.Trailers {
		if strings.EqualFold(f[0], "X-Stream-Error") && f[1] != "" {
			messages = append(messages, f[1])
		}
	}
	broken := r.Closed || r.Framing == "cut"
	if !broken && r.Status < 300 && len(messages) == 0 {
		if err != nil {
			t.Errorf("error %v", err)
		}
		return
	}
	var e *client.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v", err)
	}
	body, _ := r.Body.Bytes()
	var doc api.Error
	documents := 0
	for dec := json.NewDecoder(bytes.NewReader(body)); documents < 2; documents++ {
		var d api.Error
		if dec.Decode(&d) != nil {
			break
		}
		if documents == 0 {
			doc = d
		}
	}
	want := client.Error{Op: op, Status: r.Status, MayHaveExecuted: true}
	switch {
	case broken:
		if e.Status != 0 && e.Status != r.Status {
			t.Errorf("status %d", e.Status)
		}
		want.Status = e.Status
	case len(messages) > 0:
		want.Message = strings.Join(messages, "; ")
		doc.Code = http.StatusInternalServerError
	case r.Status < 400:
		want.MayHaveExecuted = false
	case r.Status < 500:
		want.MayHaveExecuted = r.Status == http.StatusBadRequest && documents > 1
		fallthrough
	default:
		want.Message = doc.Message
		if documents == 0 {
			want.Message = string(body)
		}
	}
	if e.Op != want.Op || e.Status != want.Status || words(e.Message) != words(want.Message) || e.MayHaveExecuted != want.MayHaveExecuted {
		t.Errorf("error %+v\nwant  %+v", *e, want)
	}
	if errors.Is(err, client.ErrNotFound) != (e.Status == 404) || errors.Is(err, client.ErrUnauthorized) != (e.Status == 401 || e.Status == 403) {
		t.Errorf("the class of %v is wrong", err)
	}
	var reported api.Error
	if isReported := errors.As(err, &reported); isReported != (want.Status >= 400 || len(messages) > 0) || isReported && doc.Code != 0 && reported.Code != doc.Code {
		t.Errorf("the server's error is %+v, want code %d", reported, doc.Code)
	}
}

// words returns a text without redundant white space, truncated to 1000 bytes.
func words(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return text[:min(len(text), 1000)]
}

// checkValues compares the decoded values with the text of the answer.
func checkValues(t *testing.T, what call, r golden.Response, got []any, err error) {
	t.Helper()
	var want []string
	body, _ := r.Body.Bytes()
	if !r.Closed && r.Status < 300 && what.op != client.OpHealth && what.op != client.OpPeerRm {
		want = documents(body, r.Get("Transfer-Encoding") == "" || r.Get("Trailer") == "")
	}
	if what.list && err == nil {
		text, encErr := json.Marshal(got)
		if encErr != nil || string(text) != strings.TrimSpace(string(body)) {
			t.Errorf("decoded as %s, %v", text, encErr)
		}
		return
	}
	if what.op == client.OpPeers && err != nil {
		want = nil // the client returns the whole list or nothing
	}
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d; error %v", len(got), len(want), err)
	}
	for i, v := range got {
		text, encErr := json.Marshal(v)
		if encErr != nil || string(text) != want[i] {
			t.Errorf("value %d is\n%s\nwant\n%s\n%v", i, text, want[i], encErr)
		}
	}
}

// documents splits a body into its documents. If whole is true, it splits an
// array into its elements.
func documents(body []byte, whole bool) (texts []string) {
	var elements []json.RawMessage
	if whole && json.Unmarshal(body, &elements) == nil {
		for _, e := range elements {
			texts = append(texts, string(e))
		}
		return texts
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	for {
		var doc json.RawMessage
		if dec.Decode(&doc) != nil {
			return texts
		}
		texts = append(texts, string(doc))
	}
}
