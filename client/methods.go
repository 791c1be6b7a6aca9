package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	ipfspath "github.com/ipfs/boxo/path"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client/internal/auth"
)

func get(op Op, path string) *request {
	return &request{op: op, method: http.MethodGet, path: path}
}

func local(local bool) string { return "local=" + strconv.FormatBool(local) }

// maxGrowing is the maximum size of a document that grows with the cluster, in
// bytes. It suffices for the status of an item at 10,000 peers, or for the graph
// of 180 peers that are all connected.
const maxGrowing = 4 << 20

// growing returns a GET request for a document that grows with the cluster.
func growing(op Op, path string) *request {
	req := get(op, path)
	req.maxAnswer = maxGrowing
	return req
}

// ID implements Client.
func (c *defaultClient) ID(ctx context.Context) (*api.ID, error) {
	return call[api.ID](ctx, c, growing(OpID, "/id"))
}

// Version implements Client.
func (c *defaultClient) Version(ctx context.Context) (*api.Version, error) {
	return call[api.Version](ctx, c, get(OpVersion, "/version"))
}

// Health implements Client.
func (c *defaultClient) Health(ctx context.Context) error {
	req := get(OpHealth, "/health")
	req.public = true
	return c.run(ctx, req)
}

// Peers implements Client.
func (c *defaultClient) Peers(ctx context.Context) ([]*api.ID, error) {
	return all[api.ID](ctx, c, get(OpPeers, "/peers"))
}

// PeerAdd implements Client.
func (c *defaultClient) PeerAdd(ctx context.Context, pid peer.ID) (*api.ID, error) {
	if err := pid.Validate(); err != nil {
		return nil, invalid(OpPeerAdd, "peer ID: %w", err)
	}
	body, err := json.Marshal(api.PeerAddBody{PeerID: pid.String()})
	if err != nil {
		return nil, invalid(OpPeerAdd, "peer ID: %w", err)
	}
	return call[api.ID](ctx, c, &request{op: OpPeerAdd, method: http.MethodPost, path: "/peers", json: body, maxAnswer: maxGrowing})
}

// PeerRm implements Client.
func (c *defaultClient) PeerRm(ctx context.Context, pid peer.ID) error {
	if err := pid.Validate(); err != nil {
		return invalid(OpPeerRm, "peer ID: %w", err)
	}
	return c.write(ctx, &request{op: OpPeerRm, method: http.MethodDelete, path: "/peers/" + segment(pid.String())})
}

// pinCall performs a request that returns a pin. Servers before v0.11 return no
// body; then pinCall returns asked.
func (c *defaultClient) pinCall(ctx context.Context, req *request, asked api.Pin) (*api.Pin, error) {
	pin, err := call[api.Pin](ctx, c, req)
	if errors.Is(err, errNoResult) {
		return &asked, nil
	}
	return pin, err
}

// Pin implements Client.
func (c *defaultClient) Pin(ctx context.Context, ci cid.Cid, opts api.PinOptions) (*api.Pin, error) {
	path, err := cidPath(OpPin, "/pins/", ci)
	if err != nil {
		return nil, err
	}
	if opts.Mode == api.PinModeDirect {
		// The route for a CID ignores the mode (quirk Q2), the route for a path
		// does not.
		path = "/pins/ipfs/" + ci.String()
	}
	query, err := pinQuery(OpPin, opts)
	if err != nil {
		return nil, err
	}
	return c.pinCall(ctx, &request{op: OpPin, method: http.MethodPost, path: path, query: query}, api.PinWithOpts(api.NewCid(ci), opts))
}

// unpinCall is pinCall for a request that removes a pin. Some older servers return a
// pin without a CID although they have removed it. Then unpinCall returns asked.
func (c *defaultClient) unpinCall(ctx context.Context, req *request, asked api.Pin) (*api.Pin, error) {
	pin, err := c.pinCall(ctx, req, asked)
	if errors.Is(err, errEmptyPin) {
		return &asked, nil
	}
	return pin, err
}

// Unpin implements Client.
func (c *defaultClient) Unpin(ctx context.Context, ci cid.Cid) (*api.Pin, error) {
	path, err := cidPath(OpUnpin, "/pins/", ci)
	if err != nil {
		return nil, err
	}
	return c.unpinCall(ctx, &request{op: OpUnpin, method: http.MethodDelete, path: path}, api.PinCid(api.NewCid(ci)))
}

// PinPath implements Client.
func (c *defaultClient) PinPath(ctx context.Context, path string, opts api.PinOptions) (*api.Pin, error) {
	escaped, err := contentPath(OpPinPath, path)
	if err != nil {
		return nil, err
	}
	query, err := pinQuery(OpPinPath, opts)
	if err != nil {
		return nil, err
	}
	return c.pinCall(ctx, &request{op: OpPinPath, method: http.MethodPost, path: escaped, query: query}, api.PinWithOpts(api.CidUndef, opts))
}

// UnpinPath implements Client.
func (c *defaultClient) UnpinPath(ctx context.Context, path string) (*api.Pin, error) {
	escaped, err := contentPath(OpUnpinPath, path)
	if err != nil {
		return nil, err
	}
	return c.unpinCall(ctx, &request{op: OpUnpinPath, method: http.MethodDelete, path: escaped}, api.Pin{})
}

// Allocation implements Client.
func (c *defaultClient) Allocation(ctx context.Context, ci cid.Cid) (*api.Pin, error) {
	path, err := cidPath(OpAllocation, "/allocations/", ci)
	if err != nil {
		return nil, err
	}
	return call[api.Pin](ctx, c, get(OpAllocation, path))
}

// Status implements Client.
func (c *defaultClient) Status(ctx context.Context, ci cid.Cid, loc bool) (*api.GlobalPinInfo, error) {
	path, err := cidPath(OpStatus, "/pins/", ci)
	if err != nil {
		return nil, err
	}
	req := growing(OpStatus, path)
	req.query = local(loc)
	return call[api.GlobalPinInfo](ctx, c, req)
}

// Recover implements Client.
func (c *defaultClient) Recover(ctx context.Context, ci cid.Cid, loc bool) (*api.GlobalPinInfo, error) {
	path, err := cidPath(OpRecover, "/pins/", ci)
	if err != nil {
		return nil, err
	}
	return call[api.GlobalPinInfo](ctx, c, &request{op: OpRecover, method: http.MethodPost, path: path + "/recover", query: local(loc), maxAnswer: maxGrowing})
}

// Alerts implements Client.
func (c *defaultClient) Alerts(ctx context.Context) ([]*api.Alert, error) {
	return list[api.Alert](ctx, c, get(OpAlerts, "/health/alerts"))
}

// BandwidthByProtocol implements Client.
func (c *defaultClient) BandwidthByProtocol(ctx context.Context) (api.BandwidthByProtocol, error) {
	b, err := call[api.BandwidthByProtocol](ctx, c, get(OpBandwidthByProtocol, "/health/bandwidth"))
	if err != nil {
		return nil, err
	}
	return *b, nil
}

// ConnectGraph implements Client.
func (c *defaultClient) ConnectGraph(ctx context.Context) (*api.ConnectGraph, error) {
	return call[api.ConnectGraph](ctx, c, growing(OpConnectGraph, "/health/graph"))
}

// Metrics implements Client.
func (c *defaultClient) Metrics(ctx context.Context, name string) ([]*api.Metric, error) {
	if name == "" || name == "." || name == ".." {
		return nil, invalid(OpMetrics, "metric name %q: MetricNames lists them", name)
	}
	return list[api.Metric](ctx, c, get(OpMetrics, "/monitor/metrics/"+segment(name)))
}

// MetricNames implements Client.
func (c *defaultClient) MetricNames(ctx context.Context) ([]string, error) {
	items, err := list[string](ctx, c, get(OpMetricNames, "/monitor/metrics"))
	if err != nil {
		return nil, err
	}
	names := make([]string, len(items))
	for i, name := range items {
		names[i] = *name
	}
	return names, nil
}

// Token implements Client.
func (c *defaultClient) Token(ctx context.Context) (*api.Token, error) {
	return call[api.Token](ctx, c, &request{op: OpToken, method: http.MethodPost, path: "/token"})
}

// fetchToken requests a bearer token with the given Authorization header in place
// of the client's own. A token that no request can carry is an error of the peer.
func (c *defaultClient) fetchToken(ctx context.Context, authorization string, room int) (string, error) {
	token, err := call[api.Token](ctx, c, &request{op: OpToken, method: http.MethodPost, path: "/token", auth: authorization})
	if err != nil {
		return "", err
	}
	if err := auth.CheckToken(token.Token, room); err != nil {
		return "", &Error{Op: OpToken, Endpoint: c.endpoint.Name, Status: http.StatusOK, Err: fmt.Errorf("%w: the server's token cannot be sent: %w", ErrIncomplete, err)}
	}
	return token.Token, nil
}

// list performs a request whose response is a small array. A null in the array
// becomes an empty item. An array of nothing but null is an error.
func list[T any](ctx context.Context, c *defaultClient, req *request) ([]*T, error) {
	req.array = true
	return all[T](ctx, c, req)
}

// cidPath returns prefix followed by ci.
func cidPath(op Op, prefix string, ci cid.Cid) (string, error) {
	if !ci.Defined() {
		return "", invalid(op, "undefined CID")
	}
	return prefix + ci.String(), nil
}

// pinQuery validates and encodes the options of a pin.
func pinQuery(op Op, opts api.PinOptions) (string, error) {
	if err := opts.Validate(); err != nil {
		return "", invalid(op, "%w", err)
	}
	query, err := opts.ToQuery()
	if err != nil {
		return "", invalid(op, "%w", err)
	}
	return query, nil
}

// contentPath returns the route for an IPFS path. The default namespace is /ipfs.
func contentPath(op Op, path string) (string, error) {
	p, err := ipfspath.NewPath(path)
	if err != nil {
		var retryErr error
		if p, retryErr = ipfspath.NewPath("/ipfs/" + path); retryErr != nil {
			return "", invalid(op, "path %q: %w", path, err)
		}
	}
	// The server would redirect a path that ends in a slash.
	return "/pins" + joinPath(strings.TrimRight(p.String(), "/")), nil
}
