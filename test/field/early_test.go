package field

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/internal/rawserver"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// silence is the IdleTimeout of clients of servers that stop in the middle. It
// only shortens the test.
const silence = 100 * time.Millisecond

// TestEarlyAnswers: a server that answered before it had read the upload counted
// as one that had stored it (B2). Here, servers send the right report in many
// ways, but have read only some of the upload. The client must fail, and a load
// balancer must succeed at another peer.
func TestEarlyAnswers(t *testing.T) {
	up := prepare(t, []shape{{name: "1kB-and-8MiB", files: []file{{"a", 1000}, {"b", 8 << 20}}}})[0]
	items := reportOf(t, up)
	for _, tc := range earlyAnswers(items) {
		for _, read := range []int64{0, 100 << 10} {
			name := tc.name + " at once"
			if read > 0 {
				name = tc.name + " after 100 KiB"
			}
			t.Run(name, func(t *testing.T) {
				bad := rawserver.New(t, func(r *http.Request) rawserver.Answer {
					if r.Method != http.MethodPost {
						return rawserver.Response{Status: http.StatusNoContent}.Answer()
					}
					if _, err := io.CopyN(io.Discard, r.Body, read); err != nil {
						return rawserver.Answer{Close: true}
					}
					return tc.answer
				})
				cluster := clustertest.New(t, clustertest.Options{Peers: 1})
				cfgs := append([]*config.Config{{URL: "http://" + bad.Addr(), IdleTimeout: silence}}, direct(cluster)...)
				for _, m := range methods() {
					checkFails(t, m, up, cfgs)
					outputs, err := add(t, openFailover(t, cfgs), m, up)
					var e *client.Error
					switch {
					case tc.refusal && errors.As(err, &e):
					case err != nil:
						t.Errorf("%s over a load balancer: %v", m.name, err)
					default:
						if err := up.check(cluster, outputs); err != nil {
							t.Errorf("%s over a load balancer: %v", m.name, err)
						}
					}
					up.clean(t, cluster)
				}
			})
		}
	}
}

// reportOf returns the documents of the right report of an upload.
func reportOf(t *testing.T, up *upload) []string {
	t.Helper()
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	outputs, err := add(t, openers()[0].open(t, direct(cluster)), methods()[0], up)
	if err != nil {
		t.Fatal(err)
	}
	var items []string
	for _, o := range outputs {
		document, err := json.Marshal(api.AddedOutput{Name: o.Name, Cid: o.Cid, Size: o.Size})
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, string(document))
	}
	return items
}

// An earlyAnswer is an answer of a server that does not read the upload to its
// end.
type earlyAnswer struct {
	name   string
	answer rawserver.Answer
	// refusal is set if the answer is an error that no other peer would change.
	refusal bool
}

// earlyAnswers returns answers with the given documents.
func earlyAnswers(items []string) []earlyAnswer {
	stream := rawserver.AddStream(items)
	whole := stream.Wire()
	half := len(whole) / 2
	unended := bytes.TrimSuffix(whole, []byte("\r\n"))
	continued := []byte("HTTP/1.1 100 Continue\r\n\r\n")
	hints := []byte("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
	text := strings.Join(items, "\n") + "\n"
	unread := func(pieces ...[]byte) rawserver.Answer { return rawserver.Answer{Pieces: pieces, Unread: true} }
	// A server that reads the whole upload after it has sent the right report cannot be
	// distinguished from a good one.
	closed := func(a rawserver.Answer) rawserver.Answer { a.Close, a.Ignore = true, true; return a }
	held := func(a rawserver.Answer) rawserver.Answer { a.Ignore = true; return a }
	reset := func(a rawserver.Answer) rawserver.Answer { a.Reset = true; return a }
	framed := func(proto string, framing rawserver.Framing) []byte {
		r := rawserver.Response{Proto: proto, Status: http.StatusOK, Header: stream.Header[:1], Body: []byte(text), Framing: framing}
		if framing == rawserver.Length {
			return rawserver.JSON(http.StatusOK, text).Pieces[0]
		}
		return r.Wire()
	}
	array := rawserver.JSON(http.StatusOK, "["+strings.Join(items, ",")+"]").Pieces[0]
	return []earlyAnswer{
		{name: "whole, half closed", answer: closed(unread(whole))},
		{name: "whole, held", answer: held(unread(whole))},
		{name: "whole, reset", answer: reset(unread(whole))},
		{name: "half, closed", answer: closed(unread(whole[:half]))},
		{name: "half, held", answer: held(unread(whole[:half]))},
		{name: "half, reset", answer: reset(unread(whole[:half]))},
		{name: "trailer without its end, held", answer: held(unread(unended))},
		{name: "trailer without its end, closed", answer: closed(unread(unended))},
		{name: "nothing, closed", answer: closed(unread())},
		{name: "nothing, reset", answer: reset(unread())},
		{name: "twice, closed", answer: closed(unread(whole, whole))},
		{name: "continue, then whole", answer: held(unread(continued, whole))},
		{name: "continue three times, then whole", answer: held(unread(continued, continued, continued, whole))},
		{name: "hints, then whole", answer: held(unread(hints, whole))},
		{name: "with a length, held", answer: held(unread(framed("", rawserver.Length)))},
		{name: "HTTP-1.0, half closed", answer: closed(unread(framed("HTTP/1.0", rawserver.Close)))},
		{name: "HTTP-1.0, reset", answer: reset(unread(framed("HTTP/1.0", rawserver.Close)))},
		{name: "undelimited, half closed", answer: closed(unread(framed("HTTP/1.1", rawserver.Close)))},
		{name: "array, held", answer: held(unread(array))},
		{name: "array, closed", answer: closed(unread(array))},
		{name: "no content", answer: held(unread(rawserver.Response{Status: http.StatusNoContent}.Wire()))},
		{name: "expectation failed", answer: closed(unread(rawserver.JSON(http.StatusExpectationFailed, "{}").Pieces...)), refusal: true},
		{name: "web page", answer: closed(unread([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>")))},
	}
}
