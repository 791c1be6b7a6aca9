package clustertest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/ipfs/boxo/path"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// pathTarget returns the CID that the path resolves to, and the options, as
// target does. If it returns false, it has answered the request.
func (p *Peer) pathTarget(w http.ResponseWriter, r *http.Request, vars map[string]string) (api.Cid, api.PinOptions, bool) {
	parsed, err := path.NewPath("/" + vars["keyType"] + "/" + vars["path"])
	if err != nil {
		p.sendCode(w, http.StatusBadRequest, "error parsing path: "+err.Error())
		return api.CidUndef, api.PinOptions{}, false
	}
	opts := p.options(w, r)
	ci, err := p.resolve(parsed)
	if err != nil {
		p.sendError(w, err)
		return api.CidUndef, opts, false
	}
	return ci, opts, true
}

// resolve returns the CID that a path resolves to. Unless the path consists of
// a CID, it needs the peer's IPFS daemon.
func (p *Peer) resolve(target path.Path) (api.Cid, error) {
	immutable, err := path.NewImmutablePath(target)
	segments := target.Segments()
	if err == nil && len(segments) == 2 {
		return api.NewCid(immutable.RootCid()), nil
	}
	call := "resolve?arg=" + url.QueryEscape(target.String())
	p.c.mu.Lock()
	down := !p.ipfsUp
	p.c.mu.Unlock()
	if down {
		return api.CidUndef, errors.New(p.ipfsError(call))
	}
	if err != nil {
		return api.CidUndef, ipfsFailure(call, errors.New("could not resolve name"))
	}
	found, err := unixfs.Resolve(p.c.blocks.get, immutable.RootCid(), segments[2:])
	if err != nil {
		return api.CidUndef, ipfsFailure(call, err)
	}
	return api.NewCid(found), nil
}

// ipfsFailure returns the error for a failure that the IPFS daemon has reported.
func ipfsFailure(call string, err error) error {
	return fmt.Errorf("IPFS error (%s). Code: 500. Message: %w", call, err)
}

func (p *Peer) handlePinPath(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	ci, opts, ok := p.pathTarget(w, r, vars)
	if !ok {
		return
	}
	pin, err := p.c.pin(api.PinWithOpts(ci, opts), false)
	p.sendPin(w, pin, err)
}

func (p *Peer) handleUnpinPath(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	ci, _, ok := p.pathTarget(w, r, vars)
	if !ok {
		return
	}
	pin, err := p.c.unpin(ci)
	p.sendPin(w, pin, err)
}
