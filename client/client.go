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

// Client is a client of the REST API of an IPFS Cluster.
//
// All implementations in this module are safe for concurrent use. A method
// returns either a result or an error, never both. Every error is or wraps an
// [*Error].
//
// The methods that return an [iter.Seq2] send their request when the loop
// starts, and close the response when the loop ends, also by break or panic. An
// error is the last pair yielded, with a nil item. A loop that ends without an
// error has received the whole list. A loop with one variable, such as
// "for pin := range", discards the error: it ends silently when the listing fails.
// [Collect] returns a small listing as a slice.
type Client interface {
	// ID describes the contacted peer: its IDs, addresses and version.
	ID(ctx context.Context) (*api.ID, error)

	// Peers returns the members of the cluster. The list includes members that
	// the contacted peer cannot reach, with their Error field set.
	Peers(ctx context.Context) ([]*api.ID, error)

	// PeerAdd makes pid a member of the cluster and returns its description.
	PeerAdd(ctx context.Context, pid peer.ID) (*api.ID, error)

	// PeerRm removes pid from the cluster. Clusters with CRDT consensus
	// reject the call.
	PeerRm(ctx context.Context, pid peer.ID) error

	// Add uploads the named files, directories (with params.Recursive) and
	// http(s):// sources, and sends the cluster's reports to out. The last
	// output that names a CID is the root, unless params.Shard is set.
	//
	// A service must not pass paths of its users without checking them: they may
	// name any local file. Config.Web restricts http(s):// sources.
	//
	// Add closes out exactly once before it returns, even if it fails. If out is
	// nil, the outputs are discarded. After an error, the content that the server
	// has reported is stored, but not pinned. Several paths are wrapped in a
	// directory even without params.Wrap, because the server would merge them
	// otherwise. Paths that end in the same name are rejected. A nil params means
	// api.DefaultAddParams.
	//
	// [AddPaths] is Add with the outputs as a slice. [WithProgress] reports how far an
	// add has come.
	Add(ctx context.Context, paths []string, params *api.AddParams, out chan<- *api.AddedOutput) error

	// AddMultiFile is Add for a multipart body that the caller supplies. The
	// reader cannot be used again, even after an error.
	AddMultiFile(ctx context.Context, multiFileR *files.MultiFileReader, params *api.AddParams, out chan<- *api.AddedOutput) error

	// Pin adds ci to the pinset, or changes its options, and returns the new
	// pin. IPFS may still have to fetch the content, see [WaitFor].
	Pin(ctx context.Context, ci cid.Cid, opts api.PinOptions) (*api.Pin, error)

	// Unpin removes ci from the pinset and returns the removed pin. It fails
	// with ErrNotFound if ci is not pinned.
	Unpin(ctx context.Context, ci cid.Cid) (*api.Pin, error)

	// PinPath resolves an IPFS path (/ipfs/…, /ipns/…, /ipld/…, or a CID with
	// or without a path below it) at the contacted peer and pins the result.
	PinPath(ctx context.Context, path string, opts api.PinOptions) (*api.Pin, error)

	// UnpinPath resolves path as PinPath does and unpins the result.
	UnpinPath(ctx context.Context, path string) (*api.Pin, error)

	// Allocations lists the shared pinset. Only pins whose type is in filter
	// are listed; api.AllType lists all.
	//
	// Loop with two variables: a loop with one discards the error.
	Allocations(ctx context.Context, filter api.PinType) iter.Seq2[*api.Pin, error]

	// Allocation returns the pin of ci in the shared pinset. It fails with
	// ErrNotFound if there is none.
	Allocation(ctx context.Context, ci cid.Cid) (*api.Pin, error)

	// Status returns the status of ci at every peer, or only at the contacted
	// peer if local is set. For a CID outside the pinset it returns
	// api.TrackerStatusUnpinned for every peer, and no error.
	Status(ctx context.Context, ci cid.Cid, local bool) (*api.GlobalPinInfo, error)

	// StatusCids is Status for any number of CIDs. It yields each of them once,
	// in any order. It sends the CIDs in batches that fit the server's header
	// limit. If cids is empty, it yields nothing and sends no request.
	//
	// Loop with two variables: a loop with one discards the error.
	StatusCids(ctx context.Context, cids []cid.Cid, local bool) iter.Seq2[*api.GlobalPinInfo, error]

	// StatusAll lists the status of the whole pinset. Only items and peers
	// whose status is in filter are listed; api.TrackerStatusUndefined (0)
	// lists all.
	//
	// Loop with two variables: a loop with one discards the error.
	StatusAll(ctx context.Context, filter api.TrackerStatus, local bool) iter.Seq2[*api.GlobalPinInfo, error]

	// Recover retries pinning or unpinning ci at the peers where that failed, or
	// only at the contacted peer if local is set, and returns the status of ci.
	Recover(ctx context.Context, ci cid.Cid, local bool) (*api.GlobalPinInfo, error)

	// RecoverAll is Recover for all items in an error state. It lists the items
	// that the cluster queued again.
	//
	// Loop with two variables: a loop with one discards the error.
	RecoverAll(ctx context.Context, local bool) iter.Seq2[*api.GlobalPinInfo, error]

	// Alerts returns the expired metrics that the contacted peer has recorded,
	// newest first.
	Alerts(ctx context.Context) ([]*api.Alert, error)

	// BandwidthByProtocol returns the contacted peer's libp2p traffic. It fails
	// with ErrNotFound at servers before v1.1.1.
	BandwidthByProtocol(ctx context.Context) (api.BandwidthByProtocol, error)

	// Version returns the contacted peer's version.
	Version(ctx context.Context) (*api.Version, error)

	// IPFS returns the base URL of the contacted peer's IPFS proxy, which serves
	// the RPC API of IPFS, and an http.Client for it. It fails if neither the
	// configuration nor the peer's address reveals where the proxy listens. The
	// http.Client works until Close.
	IPFS(ctx context.Context) (*url.URL, *http.Client, error)

	// ConnectGraph returns the connections between the peers, and the IPFS
	// daemon of each peer.
	ConnectGraph(ctx context.Context) (*api.ConnectGraph, error)

	// Metrics returns the latest valid metric of the given name for each peer.
	// For an unknown name it returns an empty list. A name with a slash fails
	// with ErrNotFound, because servers have no route for it.
	Metrics(ctx context.Context, name string) ([]*api.Metric, error)

	// MetricNames returns the names of the metrics that the contacted peer has
	// received.
	MetricNames(ctx context.Context) ([]string, error)

	// RepoGC collects garbage on every peer's IPFS daemon, or only on the
	// contacted peer's if local is set. It can take hours.
	RepoGC(ctx context.Context, local bool) (*api.GlobalRepoGC, error)

	// Health returns nil if the contacted peer's API answers. It does not check
	// IPFS. The API needs no credentials for it. A proxy may need them, so that
	// Health sends those that are known. It does not fetch a token.
	Health(ctx context.Context) error

	// Token returns a bearer token for the configured user. The token is valid
	// until the user's password changes.
	Token(ctx context.Context) (*api.Token, error)

	// Close closes idle connections and ends background work. Calls in flight
	// and later calls fail with ErrClosed. Close is idempotent.
	Close() error
}
