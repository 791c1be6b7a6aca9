package client

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/rawserver"
)

// The size of a document is limited.
func TestDocumentIsBounded(t *testing.T) {
	c := overRoundTripper(t, func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, ContentLength: -1, Body: io.NopCloser(&endless{text: strings.Repeat(" ", 4096)})}, nil
	})
	if err := calls[OpID](t.Context(), c); !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "4 MiB") {
		t.Error(err)
	}
}

// U20: Health ignores the body. A server before v0.11 accepts a pin without returning a
// result.
func TestU20AnswersWithoutResult(t *testing.T) {
	for _, answer := range []rawserver.Answer{
		rawserver.JSON(200, ""), rawserver.JSON(200, "OK"), rawserver.JSON(200, "<html>"), rawserver.JSON(202, ""),
		rawserver.Response{Status: 204, Framing: rawserver.Length}.Answer(),
	} {
		if err := answering(t, answer).Health(t.Context()); err != nil {
			t.Errorf("%q: %v", answer.Pieces[0], err)
		}
	}
	c := answering(t, rawserver.JSON(202, ""))
	pin, err := c.Pin(t.Context(), cidA, api.PinOptions{Name: "n"})
	if err != nil || pin.Name != "n" || pin.Cid.Cid != cidA {
		t.Errorf("%v, %v", pin, err)
	}
	if pin, err := c.Unpin(t.Context(), cidA); err != nil || pin.Cid.Cid != cidA {
		t.Errorf("%v, %v", pin, err)
	}
	for _, op := range []Op{OpPinPath, OpUnpinPath} {
		if err := calls[op](t.Context(), c); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
	if err := calls[OpID](t.Context(), c); !errors.Is(err, ErrIncomplete) {
		t.Errorf("ID without a result: %v", err)
	}
}

// U20: one unknown address, empty peer ID or null made the whole answer fail.
func TestU20TolerantDecoding(t *testing.T) {
	doc := `{"id":"` + textPeer + `","addresses":["/new-protocol/x",null,""],"cluster_peers":[null,""],"ipfs":{"id":"","addresses":null}}`
	c := answering(t, rawserver.JSON(200, doc))
	id, err := c.ID(t.Context())
	if err != nil || len(id.Addresses) != 3 || id.Addresses[0] != "/new-protocol/x" || len(id.ClusterPeers) != 2 {
		t.Errorf("%+v, %v", id, err)
	}
	for body, want := range map[string]int{"null": 0, "[]": 0, `[{"name":"ping"},null]`: 2} {
		c := answering(t, rawserver.JSON(200, body))
		metrics, err := c.Metrics(t.Context(), "ping")
		if err != nil || len(metrics) != want {
			t.Errorf("metrics %s: %d, %v", body, len(metrics), err)
		}
		for _, m := range metrics {
			if m == nil {
				t.Errorf("metrics %s: a nil pointer", body)
			}
		}
		if alerts, err := c.Alerts(t.Context()); err != nil || len(alerts) != want {
			t.Errorf("alerts %s: %d, %v", body, len(alerts), err)
		}
	}
	if b, err := answering(t, rawserver.JSON(200, "null")).BandwidthByProtocol(t.Context()); b != nil || err != nil {
		t.Errorf("bandwidth null: %v, %v", b, err)
	}
}

// B7: PeerRm took every page with a good status, such as that of a login, for done.
// Servers answer it with 204, and with no body.
func TestB7PeerRmJudgesTheAnswer(t *testing.T) {
	for _, answer := range []rawserver.Answer{
		rawserver.Response{Status: 204, Framing: rawserver.Length}.Answer(), rawserver.JSON(200, ""), rawserver.JSON(202, ""),
	} {
		if err := answering(t, answer).PeerRm(t.Context(), peerA); err != nil {
			t.Errorf("%q: %v", answer.Pieces[0], err)
		}
	}
	for _, answer := range []rawserver.Answer{
		rawserver.JSON(200, "<html>log in</html>"), rawserver.JSON(200, "OK"), rawserver.JSON(200, `{"status":"ok"}`), rawserver.JSON(202, "null"),
	} {
		var e *Error
		err := answering(t, answer).PeerRm(t.Context(), peerA)
		if !errors.Is(err, ErrIncomplete) || !asError(err, &e) || !e.MayHaveExecuted {
			t.Errorf("%q: %v", answer.Pieces[0], err)
		}
	}
}

// B7: an Unpin that an older server answered with a pin without a CID was an error,
// although the server had executed it. Any other document without a CID is still one,
// and so is such a pin as the answer to a Pin.
func TestB7UnpinWithAnEmptyPin(t *testing.T) {
	empty := `{"replication_factor_min":0,"replication_factor_max":0,"name":"","mode":"recursive","cid":null,"type":"bad-type","allocations":null,"max_depth":0,"reference":null}`
	for _, doc := range []string{empty, strings.Replace(empty, "null", `""`, 1)} {
		c := answering(t, rawserver.JSON(200, doc))
		if pin, err := c.Unpin(t.Context(), cidA); err != nil || pin.Cid.Cid != cidA {
			t.Errorf("%s: %v, %v", doc, pin, err)
		}
		if pin, err := c.UnpinPath(t.Context(), textA+"/a"); err != nil || pin.Defined() {
			t.Errorf("%s: %v, %v", doc, pin, err)
		}
		if _, err := c.Pin(t.Context(), cidA, api.PinOptions{}); !errors.Is(err, ErrIncomplete) {
			t.Errorf("a Pin answered %s: %v", doc, err)
		}
	}
	for _, doc := range []string{`{}`, `{"status":"ok"}`, `{"cid":null}`, `{"type":"pin"}`, `{"cid":null,"type":"pin"}`, `{"cid":"","replication_factor_min":0}`, `null`} {
		if _, err := answering(t, rawserver.JSON(200, doc)).Unpin(t.Context(), cidA); !errors.Is(err, ErrIncomplete) {
			t.Errorf("%s: %v", doc, err)
		}
	}
}
