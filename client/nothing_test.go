package client

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/pinfleet/pinfleet/internal/rawserver"
)

// An add succeeded on any 200 with a JSON document, although the server had stored nothing.
// A garbage collection, a graph and a list of members succeeded without naming a peer, and
// a blank page counted as an empty listing. Now an answer must name what it describes, such
// as a CID or a peer.
func TestAnswersThatSayNothing(t *testing.T) {
	nothing := []string{
		`{"status":"ok"}`, `{}`, `[null]`, `[{}]`, `{"name":"f","bytes":8}`, `{"code":200,"message":"ok"}`,
		` `, `[]`, `null`, `{"peer_map":{}}`, `{"peer_map":{"x":{}}}`, `{"cluster_id":""}`,
		`[{"version":"1.1.6"}]`, `[{"value":"1"}]`, addedA + "\n" + `{"name":"b","bytes":8}`,
	}
	empty := map[Op][]string{
		OpBandwidthByProtocol: {"{}", "null"},
		OpAlerts:              {"[]", "null"},
		OpMetrics:             {"[]", "null"},
		OpMetricNames:         {"[]", "null"},
		OpAllocations:         {"[]", "null"},
		OpStatusAll:           {"[]", "null"},
		OpRecoverAll:          {"[]", "null"},
	}
	for _, body := range nothing {
		wire := rawserver.Response{Status: 200, Header: [][2]string{{"Content-Length", fmt.Sprint(len(body))}}, Body: []byte(body), Framing: rawserver.Length}
		c := answering(t, wire.Answer())
		for op, call := range calls {
			switch op {
			case OpHealth, OpPeerRm:
				continue // any good status is a success
			}
			mayBe := slices.Contains(empty[op], body)
			err := call(t.Context(), c)
			var e *Error
			switch {
			case mayBe && err != nil:
				t.Errorf("%s, %q: %v", op, body, err)
			case !mayBe && (!asError(err, &e) || !errors.Is(err, ErrIncomplete) || !e.MayHaveExecuted):
				t.Errorf("%s, %q: %v", op, body, err)
			}
		}
	}
	err := calls[OpPeers](t.Context(), answering(t, rawserver.Bytes([]byte("HTTP/1.1 204 No Content\r\n\r\n"))))
	if !errors.Is(err, ErrIncomplete) {
		t.Errorf("no members: %v", err)
	}
}
