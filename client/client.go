package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

// Client is everything that can be asked of an IPFS Cluster over its REST API.
//
// All implementations in this module are safe for concurrent use. A method
// returns either a result or an error, never both; an error is an [*Error]
// unless the caller's arguments never made it into a request.
//
// The methods that return an [iter.Seq2] send their request when the loop
// starts, and close the response when the loop ends, however it ends. An
// error is the last pair yielded, with a nil item; a loop that ends without
// one has seen the whole list.
type Client interface {
	// ID returns who the contacted peer is.
	ID(ctx context.Context) (*api.ID, error)

	// Peers returns the members of the cluster. A member that the contacted
	// peer cannot reach is in the list, with its Error field set.
	Peers(ctx context.Context) ([]*api.ID, error)

	// PeerAdd makes pid a member of the cluster and returns who it is.
	PeerAdd(ctx context.Context, pid peer.ID) (*api.ID, error)

	// PeerRm removes pid from the cluster. Clusters with CRDT consensus
	// refuse it.
	PeerRm(ctx context.Context, pid peer.ID) error

	// Add uploads the named files, directories (with params.Recursive) and
	// http(s):// sources, and sends what the cluster reports to out. The last
	// output that names a CID is the root, unless params.Shard is set.
	//
	// Add closes out exactly once before it returns, whatever it returns; a
	// nil out discards the outputs. The outputs received before an error are
	// stored, but not pinned. Several paths are wrapped in a directory whatever
	// params.Wrap says: the server would merge them otherwise. Paths that end in
	// the same name are refused. A nil params is api.DefaultAddParams.
	Add(ctx context.Context, paths []string, params *api.AddParams, out chan<- *api.AddedOutput) error

	// AddMultiFile is Add for a body that the caller made. The reader is
	// consumed, also on error.
	AddMultiFile(ctx context.Context, multiFileR *files.MultiFileReader, params *api.AddParams, out chan<- *api.AddedOutput) error

	// Pin adds ci to the pinset, or changes its options. It returns the pin
	// as decided; IPFS may still have to fetch the content, see [WaitFor].
	Pin(ctx context.Context, ci cid.Cid, opts api.PinOptions) (*api.Pin, error)

	// Unpin removes ci from the pinset and returns the pin as it was.
	// A CID that is not pinned is ErrNotFound.
	Unpin(ctx context.Context, ci cid.Cid) (*api.Pin, error)

	// PinPath resolves an IPFS path (/ipfs/…, /ipns/…, /ipld/…, or a CID with
	// or without a path below it) at the contacted peer and pins the result.
	PinPath(ctx context.Context, path string, opts api.PinOptions) (*api.Pin, error)

	// UnpinPath resolves path as PinPath does and unpins the result.
	UnpinPath(ctx context.Context, path string) (*api.Pin, error)

	// Allocations lists the shared pinset. Only pins whose type is in filter
	// are listed; api.AllType lists all.
	Allocations(ctx context.Context, filter api.PinType) iter.Seq2[*api.Pin, error]

	// Allocation returns ci as the shared pinset holds it, or ErrNotFound.
	Allocation(ctx context.Context, ci cid.Cid) (*api.Pin, error)

	// Status returns the status of ci at every peer, or only at the contacted
	// peer if local is set. A CID that is not in the pinset is not an error:
	// its status is api.TrackerStatusUnpinned everywhere.
	Status(ctx context.Context, ci cid.Cid, local bool) (*api.GlobalPinInfo, error)

	// StatusCids is Status for many CIDs, in any order. Any number will do:
	// they are asked for in batches that fit the server's header limit. A CID
	// given twice is reported once; no CIDs, no items.
	StatusCids(ctx context.Context, cids []cid.Cid, local bool) iter.Seq2[*api.GlobalPinInfo, error]

	// StatusAll lists the status of the whole pinset. Only items and peers
	// whose status is in filter are listed; api.TrackerStatusUndefined (0)
	// lists all.
	StatusAll(ctx context.Context, filter api.TrackerStatus, local bool) iter.Seq2[*api.GlobalPinInfo, error]

	// Recover tries again to pin or unpin ci where that failed, and returns
	// its status.
	Recover(ctx context.Context, ci cid.Cid, local bool) (*api.GlobalPinInfo, error)

	// RecoverAll is Recover for every item in an error state. It lists the
	// items that were queued again.
	RecoverAll(ctx context.Context, local bool) iter.Seq2[*api.GlobalPinInfo, error]

	// Alerts returns the expired metrics that the contacted peer knows of,
	// newest first.
	Alerts(ctx context.Context) ([]*api.Alert, error)

	// BandwidthByProtocol returns the contacted peer's libp2p traffic.
	// Servers before v1.1.1 answer ErrNotFound.
	BandwidthByProtocol(ctx context.Context) (api.BandwidthByProtocol, error)

	// Version returns the contacted peer's version.
	Version(ctx context.Context) (*api.Version, error)

	// IPFS returns how to reach the IPFS proxy of the contacted peer: the
	// base URL of its RPC API and an http.Client for it. It fails if the
	// address does not tell where the proxy listens and the configuration
	// does not name it. The http.Client is of use until Close.
	IPFS(ctx context.Context) (*url.URL, *http.Client, error)

	// ConnectGraph returns which peers are connected to each other, and which
	// IPFS daemon belongs to which peer.
	ConnectGraph(ctx context.Context) (*api.ConnectGraph, error)

	// Metrics returns the latest valid metric of that name for each peer. An
	// unknown name has none, which is not an error. No server can be asked for
	// a name with a slash: it answers ErrNotFound.
	Metrics(ctx context.Context, name string) ([]*api.Metric, error)

	// MetricNames returns the names of the metrics that the peer has seen.
	MetricNames(ctx context.Context) ([]string, error)

	// RepoGC collects garbage on every peer's IPFS daemon, or only on the
	// contacted peer's if local is set. It can take hours.
	RepoGC(ctx context.Context, local bool) (*api.GlobalRepoGC, error)

	// Health tells whether the contacted peer's API answers. It needs no
	// credentials and says nothing about IPFS.
	Health(ctx context.Context) error

	// Token returns a bearer token for the configured user. It does not
	// expire before the user's password changes.
	Token(ctx context.Context) (*api.Token, error)

	// Close ends idle connections and background work. It is idempotent.
	// Calls made after it, and those under way, fail with ErrClosed.
	Close() error
}
