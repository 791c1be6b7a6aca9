package golden_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/url"
	"strings"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/golden"
)

// call is the client's method for a recorded request.
type call struct {
	op client.Op
	do func(context.Context, client.Client) ([]any, error)
	// exact means that the method sends the recorded request. Otherwise the client
	// refuses to send it or has no method for it, and do calls the most similar one.
	exact bool
	// list means that the answer is one document with all the values.
	list bool
}

// Valid arguments in place of those that the client refuses to send.
var (
	anyCid     = cid.MustParse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX")
	anyPeer, _ = peer.Decode("12D3KooWSA9vVa2upqPGqd3edMk3vawVFnTuTzxzYjL6bBX7h6nN")
	anyBody    = golden.Parts{{Filename: "a", ContentType: "application/octet-stream"}}.Encode()
)

// callFor returns the call for a request's method, target and body.
func callFor(r golden.Request) call {
	u, err := url.ParseRequestURI(r.Target)
	if err != nil || strings.Contains(u.Path, "//") || strings.HasSuffix(u.Path, "/") {
		return nearest(r)
	}
	q := u.Query()
	local := q.Get("local") == "true"
	route, rest, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	switch r.Method + " " + route {
	case "GET id":
		return unary(client.OpID, rest == "", client.Client.ID)
	case "GET version":
		return unary(client.OpVersion, rest == "", client.Client.Version)
	case "GET health":
		return health(rest)
	case "GET monitor":
		return metrics(rest)
	case "GET peers":
		return call{op: client.OpPeers, exact: rest == "", do: func(ctx context.Context, c client.Client) ([]any, error) {
			peers, err := c.Peers(ctx)
			return values(peers), err
		}}
	case "POST peers":
		pid, exact := peerOf(r)
		return unary(client.OpPeerAdd, exact, func(c client.Client, ctx context.Context) (*api.ID, error) { return c.PeerAdd(ctx, pid) })
	case "DELETE peers":
		return peerRm(rest)
	case "POST add":
		return add(r, q)
	case "GET allocations":
		if rest == "" {
			return allocations(q.Get("filter"))
		}
		ci, exact := cidOf(rest)
		return unary(client.OpAllocation, exact, func(c client.Client, ctx context.Context) (*api.Pin, error) { return c.Allocation(ctx, ci) })
	case "GET pins":
		return status(rest, q, local)
	case "POST pins":
		return postPins(rest, q, local)
	case "DELETE pins":
		return deletePins(rest)
	case "POST ipfs":
		return unary(client.OpRepoGC, rest == "gc", func(c client.Client, ctx context.Context) (*api.GlobalRepoGC, error) { return c.RepoGC(ctx, local) })
	case "POST token":
		return unary(client.OpToken, rest == "", client.Client.Token)
	}
	return nearest(r)
}

// nearest returns a call with the request's method, if there is one.
func nearest(r golden.Request) call {
	switch r.Method {
	case "POST":
		return unary(client.OpToken, false, client.Client.Token)
	case "DELETE":
		return peerRm("")
	}
	return unary(client.OpID, false, client.Client.ID)
}

func unary[T any](op client.Op, exact bool, method func(client.Client, context.Context) (*T, error)) call {
	return call{op: op, exact: exact, do: func(ctx context.Context, c client.Client) ([]any, error) {
		v, err := method(c, ctx)
		if v == nil {
			return nil, err
		}
		return []any{v}, err
	}}
}

func listed[T any](op client.Op, exact bool, list func(context.Context, client.Client) iter.Seq2[*T, error]) call {
	return call{op: op, exact: exact, do: func(ctx context.Context, c client.Client) (items []any, err error) {
		for item, e := range list(ctx, c) {
			if e != nil {
				return items, e
			}
			items = append(items, item)
		}
		return items, nil
	}}
}

func values[T any](items []T) []any {
	out := make([]any, len(items))
	for i, item := range items {
		out[i] = item
	}
	return out
}

func array[T any](op client.Op, exact bool, method func(client.Client, context.Context) ([]T, error)) call {
	return call{op: op, exact: exact, list: true, do: func(ctx context.Context, c client.Client) ([]any, error) {
		items, err := method(c, ctx)
		return values(items), err
	}}
}

func health(rest string) call {
	switch rest {
	case "graph":
		return unary(client.OpConnectGraph, true, client.Client.ConnectGraph)
	case "alerts":
		return array(client.OpAlerts, true, client.Client.Alerts)
	case "bandwidth":
		return unary(client.OpBandwidthByProtocol, true, func(c client.Client, ctx context.Context) (*api.BandwidthByProtocol, error) {
			b, err := c.BandwidthByProtocol(ctx)
			if err != nil {
				return nil, err
			}
			return &b, nil
		})
	}
	return call{op: client.OpHealth, exact: rest == "", do: func(ctx context.Context, c client.Client) ([]any, error) { return nil, c.Health(ctx) }}
}

func metrics(rest string) call {
	if rest == "metrics" {
		return array(client.OpMetricNames, true, client.Client.MetricNames)
	}
	name, found := strings.CutPrefix(rest, "metrics/")
	if name == "" {
		name = "ping"
	}
	return array(client.OpMetrics, found, func(c client.Client, ctx context.Context) ([]*api.Metric, error) { return c.Metrics(ctx, name) })
}

func peerOf(r golden.Request) (peer.ID, bool) {
	data, _ := r.Body.Bytes()
	var body api.PeerAddBody
	if json.Unmarshal(data, &body) == nil {
		if pid, err := peer.Decode(body.PeerID); err == nil {
			return pid, true
		}
	}
	return anyPeer, false
}

func peerRm(text string) call {
	pid, err := peer.Decode(text)
	if err != nil {
		pid = anyPeer
	}
	return call{op: client.OpPeerRm, exact: err == nil, do: func(ctx context.Context, c client.Client) ([]any, error) { return nil, c.PeerRm(ctx, pid) }}
}

func cidOf(text string) (cid.Cid, bool) {
	if ci, err := cid.Decode(text); err == nil {
		return ci, true
	}
	return anyCid, false
}

// add sends the recorded body, unless the client refuses the parameters.
func add(r golden.Request, q url.Values) call {
	params, err := api.AddParamsFromQuery(q)
	exact := err == nil && params.Validate() == nil
	if !exact {
		params = api.DefaultAddParams()
	}
	content, err := r.Content()
	if err != nil || !bytes.HasPrefix(content, []byte("--"+golden.Boundary+"\r\n")) {
		content, exact = anyBody, false
	}
	body := &client.Body{Boundary: golden.Boundary, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}
	return call{op: client.OpAddMultiFile, exact: exact, do: func(ctx context.Context, c client.Client) ([]any, error) {
		out := make(chan *api.AddedOutput)
		done := make(chan error, 1)
		go func() { done <- c.(client.BodyAdder).AddBody(ctx, body, params, out) }()
		var outputs []any
		for o := range out {
			outputs = append(outputs, o)
		}
		return outputs, <-done
	}}
}

func allocations(filter string) call {
	var types api.PinType
	exact := true
	for name := range strings.SplitSeq(filter, ",") {
		t := api.PinTypeFromString(name)
		if t == api.BadType {
			exact = false
			continue
		}
		types |= t
	}
	if types == 0 {
		types = api.AllType
	}
	return listed(client.OpAllocations, exact, func(ctx context.Context, c client.Client) iter.Seq2[*api.Pin, error] {
		return c.Allocations(ctx, types)
	})
}

func status(rest string, q url.Values, local bool) call {
	if rest != "" {
		ci, exact := cidOf(rest)
		return unary(client.OpStatus, exact, func(c client.Client, ctx context.Context) (*api.GlobalPinInfo, error) {
			return c.Status(ctx, ci, local)
		})
	}
	if q.Get("cids") != "" {
		exact := q.Get("filter") == ""
		var cids []cid.Cid
		for text := range strings.SplitSeq(q.Get("cids"), ",") {
			ci, ok := cidOf(text)
			cids, exact = append(cids, ci), exact && ok
		}
		return listed(client.OpStatusCids, exact, func(ctx context.Context, c client.Client) iter.Seq2[*api.GlobalPinInfo, error] {
			return c.StatusCids(ctx, cids, local)
		})
	}
	filter := api.TrackerStatusFromString(q.Get("filter"))
	return listed(client.OpStatusAll, filter != 0 || q.Get("filter") == "", func(ctx context.Context, c client.Client) iter.Seq2[*api.GlobalPinInfo, error] {
		return c.StatusAll(ctx, filter, local)
	})
}

// pathOf splits the text after /pins/ into a path with its namespace, or a CID.
func pathOf(rest string) (path string, isPath bool) {
	namespace, below, _ := strings.Cut(rest, "/")
	switch namespace {
	case "ipfs", "ipns", "ipld":
		return "/" + rest, below != ""
	}
	return "", false
}

func postPins(rest string, q url.Values, local bool) call {
	if rest == "recover" {
		return listed(client.OpRecoverAll, true, func(ctx context.Context, c client.Client) iter.Seq2[*api.GlobalPinInfo, error] {
			return c.RecoverAll(ctx, local)
		})
	}
	var opts api.PinOptions
	valid := opts.FromQuery(q) == nil && opts.Validate() == nil && opts.Mode == api.PinModeRecursive
	if !valid {
		opts = api.PinOptions{}
	}
	if path, ok := pathOf(rest); ok {
		return unary(client.OpPinPath, valid, func(c client.Client, ctx context.Context) (*api.Pin, error) { return c.PinPath(ctx, path, opts) })
	}
	text, recover := strings.CutSuffix(rest, "/recover")
	ci, exact := cidOf(text)
	if recover {
		return unary(client.OpRecover, exact, func(c client.Client, ctx context.Context) (*api.GlobalPinInfo, error) {
			return c.Recover(ctx, ci, local)
		})
	}
	return unary(client.OpPin, exact && valid, func(c client.Client, ctx context.Context) (*api.Pin, error) { return c.Pin(ctx, ci, opts) })
}

func deletePins(rest string) call {
	if path, ok := pathOf(rest); ok {
		return unary(client.OpUnpinPath, true, func(c client.Client, ctx context.Context) (*api.Pin, error) { return c.UnpinPath(ctx, path) })
	}
	ci, exact := cidOf(rest)
	return unary(client.OpUnpin, exact, func(c client.Client, ctx context.Context) (*api.Pin, error) { return c.Unpin(ctx, ci) })
}
