package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
)

// ErrUnimplemented is the error of the methods of [Unimplemented].
var ErrUnimplemented = errors.New("method is not implemented")

// Unimplemented is a [Client] whose methods fail with [ErrUnimplemented], except
// Close, which succeeds. Embed it in fakes and other implementations of Client,
// so that they still compile when Client gets a new method. The zero value is
// ready to use.
type Unimplemented struct{}

var _ Client = Unimplemented{}

func unimplemented(op Op) error { return &Error{Op: op, Err: ErrUnimplemented} }

// unimplementedList returns a listing that yields only the error.
func unimplementedList[T any](op Op) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) { yield(nil, unimplemented(op)) }
}

// unimplementedAdd closes out and returns the error.
func unimplementedAdd(op Op, out chan<- *api.AddedOutput) error {
	if out != nil {
		close(out)
	}
	return unimplemented(op)
}

// ID implements Client.
func (Unimplemented) ID(context.Context) (*api.ID, error) { return nil, unimplemented(OpID) }

// Peers implements Client.
func (Unimplemented) Peers(context.Context) ([]*api.ID, error) { return nil, unimplemented(OpPeers) }

// PeerAdd implements Client.
func (Unimplemented) PeerAdd(context.Context, peer.ID) (*api.ID, error) {
	return nil, unimplemented(OpPeerAdd)
}

// PeerRm implements Client.
func (Unimplemented) PeerRm(context.Context, peer.ID) error { return unimplemented(OpPeerRm) }

// Add implements Client. It closes out.
func (Unimplemented) Add(_ context.Context, _ []string, _ *api.AddParams, out chan<- *api.AddedOutput) error {
	return unimplementedAdd(OpAdd, out)
}

// AddMultiFile implements Client. It closes out and does not use the reader.
func (Unimplemented) AddMultiFile(_ context.Context, _ *files.MultiFileReader, _ *api.AddParams, out chan<- *api.AddedOutput) error {
	return unimplementedAdd(OpAddMultiFile, out)
}

// Pin implements Client.
func (Unimplemented) Pin(context.Context, cid.Cid, api.PinOptions) (*api.Pin, error) {
	return nil, unimplemented(OpPin)
}

// Unpin implements Client.
func (Unimplemented) Unpin(context.Context, cid.Cid) (*api.Pin, error) {
	return nil, unimplemented(OpUnpin)
}

// PinPath implements Client.
func (Unimplemented) PinPath(context.Context, string, api.PinOptions) (*api.Pin, error) {
	return nil, unimplemented(OpPinPath)
}

// UnpinPath implements Client.
func (Unimplemented) UnpinPath(context.Context, string) (*api.Pin, error) {
	return nil, unimplemented(OpUnpinPath)
}

// Allocations implements Client.
func (Unimplemented) Allocations(context.Context, api.PinType) iter.Seq2[*api.Pin, error] {
	return unimplementedList[api.Pin](OpAllocations)
}

// Allocation implements Client.
func (Unimplemented) Allocation(context.Context, cid.Cid) (*api.Pin, error) {
	return nil, unimplemented(OpAllocation)
}

// Status implements Client.
func (Unimplemented) Status(context.Context, cid.Cid, bool) (*api.GlobalPinInfo, error) {
	return nil, unimplemented(OpStatus)
}

// StatusCids implements Client.
func (Unimplemented) StatusCids(context.Context, []cid.Cid, bool) iter.Seq2[*api.GlobalPinInfo, error] {
	return unimplementedList[api.GlobalPinInfo](OpStatusCids)
}

// StatusAll implements Client.
func (Unimplemented) StatusAll(context.Context, api.TrackerStatus, bool) iter.Seq2[*api.GlobalPinInfo, error] {
	return unimplementedList[api.GlobalPinInfo](OpStatusAll)
}

// Recover implements Client.
func (Unimplemented) Recover(context.Context, cid.Cid, bool) (*api.GlobalPinInfo, error) {
	return nil, unimplemented(OpRecover)
}

// RecoverAll implements Client.
func (Unimplemented) RecoverAll(context.Context, bool) iter.Seq2[*api.GlobalPinInfo, error] {
	return unimplementedList[api.GlobalPinInfo](OpRecoverAll)
}

// Alerts implements Client.
func (Unimplemented) Alerts(context.Context) ([]*api.Alert, error) {
	return nil, unimplemented(OpAlerts)
}

// BandwidthByProtocol implements Client.
func (Unimplemented) BandwidthByProtocol(context.Context) (api.BandwidthByProtocol, error) {
	return nil, unimplemented(OpBandwidthByProtocol)
}

// Version implements Client.
func (Unimplemented) Version(context.Context) (*api.Version, error) {
	return nil, unimplemented(OpVersion)
}

// IPFS implements Client.
func (Unimplemented) IPFS(context.Context) (*url.URL, *http.Client, error) {
	return nil, nil, unimplemented(OpIPFS)
}

// ConnectGraph implements Client.
func (Unimplemented) ConnectGraph(context.Context) (*api.ConnectGraph, error) {
	return nil, unimplemented(OpConnectGraph)
}

// Metrics implements Client.
func (Unimplemented) Metrics(context.Context, string) ([]*api.Metric, error) {
	return nil, unimplemented(OpMetrics)
}

// MetricNames implements Client.
func (Unimplemented) MetricNames(context.Context) ([]string, error) {
	return nil, unimplemented(OpMetricNames)
}

// RepoGC implements Client.
func (Unimplemented) RepoGC(context.Context, bool) (*api.GlobalRepoGC, error) {
	return nil, unimplemented(OpRepoGC)
}

// Health implements Client.
func (Unimplemented) Health(context.Context) error { return unimplemented(OpHealth) }

// Token implements Client.
func (Unimplemented) Token(context.Context) (*api.Token, error) { return nil, unimplemented(OpToken) }

// Close implements Client. It does nothing.
func (Unimplemented) Close() error { return nil }
