package client

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client/internal/documents"
	"github.com/pinfleet/pinfleet/internal/addprogress"
	"github.com/pinfleet/pinfleet/internal/ctxerr"
)

// adding is a call of Add or AddMultiFile. It makes a second attempt if the first one
// was streamed and was damaged on the way.
type adding struct {
	client *defaultClient
	req    *request
	params *api.AddParams
	out    chan<- *api.AddedOutput

	// answered is set if the last attempt got an answer with a good status.
	answered bool
	// nodes is the number of delivered outputs with a CID, and sum is their hash.
	nodes int
	sum   uint64
	seed  maphash.Seed
	// progress is the position up to which progress was delivered.
	progress addprogress.Position
}

// run makes the attempts.
//
// Some proxies do not read the rest of an upload after its answer has begun, and
// do not say so. A server that is asked for its whole report at the end (buffered)
// does not answer before it has the upload.
func (a *adding) run(ctx context.Context) error {
	c := a.client
	buffered := !a.params.StreamChannels || c.cfg.BufferedAdds || c.buffered.Load()
	err := a.attempt(ctx, buffered)
	if buffered || !a.answered || !damaged(err) {
		return err
	}
	c.logDamage(err)
	if a.req.oneShot {
		return err
	}
	a.progress.Repeat()
	again := a.attempt(ctx, true)
	if errors.Is(again, ErrBodyNotReplayable) {
		return err
	}
	var e *Error
	if errors.As(again, &e) {
		e.MayHaveExecuted = true // by the first attempt
		if wrong := wronglyPinned(err); wrong != nil {
			e.Err = fmt.Errorf("%w; the attempt before: %w", e.Err, wrong)
		}
	}
	return again
}

// wronglyPinned returns the MismatchError of err if it names a root that the server
// has probably pinned, else nil.
func wronglyPinned(err error) *MismatchError {
	var m *MismatchError
	if errors.As(err, &m) && m.Pinned.Defined() {
		return m
	}
	return nil
}

// logDamage records that adds at this endpoint are buffered from now on, and logs
// that once. It also logs each add that has probably left a wrong pin, because the
// error does not reach the caller if the repeated add succeeds.
func (c *defaultClient) logDamage(err error) {
	first := !c.buffered.Swap(true)
	if c.cfg.Logger == nil || !first && wronglyPinned(err) == nil {
		return
	}
	c.cfg.Logger.Warn("an add was damaged on the way, perhaps by a proxy: from now on, adds at this endpoint are reported at their end, as with BufferedAdds",
		"endpoint", c.endpoint.Name, "error", err.Error())
}

// damaged reports whether err, the error of a bad report, may be due to a proxy
// that damaged a streamed add: a wrong or missing output, an answer that ended
// first, or an upload that the server found to be cut.
func damaged(err error) bool {
	return errors.Is(err, ErrContentMismatch) || errors.Is(err, ErrIncomplete)
}

// attempt makes one attempt and delivers the outputs that are new.
func (a *adding) attempt(ctx context.Context, buffered bool) error {
	params := *a.params
	params.StreamChannels = !buffered
	sent := sentProgress{out: a.out, position: &a.progress}
	if buffered && params.Progress && a.out != nil {
		params.Progress = false // it comes from what was sent
		a.req.sent = sent.report
	}
	var err error
	if a.req.query, err = params.ToQueryString(); err != nil {
		return invalid(a.req.op, "%w", err)
	}
	defer sent.end()
	r, err := a.client.send(ctx, a.req)
	if err != nil {
		return sent.explain(err)
	}
	a.answered = true
	defer r.close() // ends what sent.end waits for
	return a.receive(r, a.req.sent != nil)
}

// receive reads the answer of r. It ignores the progress in it if unasked is set.
func (a *adding) receive(r *response, unasked bool) error {
	report := report{decoder: documents.NewDecoder(r.Body)}
	report.hash.SetSeed(a.seed)
	for {
		o := new(api.AddedOutput)
		if err := r.next(report.decoder, o); err == io.EOF {
			return a.finish(r, &report)
		} else if err != nil {
			return r.brokenError(err)
		}
		report.add(o)
		if err := r.verifier.check(o); err != nil {
			return a.mismatch(r, &report, err)
		}
		if o.Cid.Defined() {
			r.verifier.progress.Stored(o.Name)
			a.progress.Complete(o.Name, report.nodes < a.nodes)
		}
		switch {
		case !o.Cid.Defined() && (unasked || !a.progress.IsNew(o.Name, o.Bytes)):
			continue
		case o.Cid.Defined() && report.nodes <= a.nodes:
			if report.nodes == a.nodes && report.hash.Sum64() != a.sum {
				return r.fail(r.StatusCode, "", errChanged, true)
			}
			continue
		}
		if err := a.deliver(r, o); err != nil {
			return err
		}
		if o.Cid.Defined() {
			a.nodes, a.sum = report.nodes, report.hash.Sum64()
		} else {
			a.progress.Delivered(o.Name, o.Bytes)
		}
	}
}

// errChanged is the error of a second attempt whose outputs differ from those that
// were delivered before, although both reports match what was sent.
var errChanged = fmt.Errorf("%w: it has changed since the first attempt, which delivered outputs", ErrSource)

// deliver sends o to the caller.
func (a *adding) deliver(r *response, o *api.AddedOutput) error {
	if a.out == nil {
		return nil
	}
	select {
	case a.out <- o:
		return nil
	case <-r.ctx.Done():
		return unheard(r.brokenError(ctxerr.Of(r.ctx)))
	}
}

// report is what a server has reported in an attempt.
type report struct {
	decoder *documents.Decoder
	nodes   int          // number of outputs with a CID
	hash    maphash.Hash // of these
	// root is the CID of the last output. After a complete add, this is the CID of
	// the root or, if sharded, of the list of shards.
	root cid.Cid
}

// add adds an output to the report.
func (r *report) add(o *api.AddedOutput) {
	r.root = o.Cid.Cid
	if !r.root.Defined() {
		return
	}
	r.nodes++
	_, _ = r.hash.WriteString(o.Name)
	_ = r.hash.WriteByte(0)
	_, _ = r.hash.WriteString(r.root.KeyString())
}

// finish returns an error if the add is incomplete. It is called at the end of the
// report.
func (a *adding) finish(r *response, report *report) error {
	if src := r.upload.sourceError(); src != nil {
		return r.brokenError(src)
	}
	if err := r.verify(report.decoder); err != nil {
		return err
	}
	switch {
	case r.upload.isNeeded():
		return r.brokenError(errEarly)
	case !report.root.Defined():
		return r.brokenError(errors.New("the server did not report the root of what it added"))
	case report.nodes < a.nodes:
		return r.fail(r.StatusCode, "", errChanged, true)
	}
	if err := r.verifier.finish(); err != nil {
		return a.mismatched(r, err, report.root)
	}
	return a.confirm(r, report)
}

const (
	// maxRest and restTimeout limit how much of a report is read after a mismatch.
	// It is read only to find out what the server has pinned.
	maxRest     = 100_000 // outputs
	restTimeout = 5 * time.Second
)

// mismatch returns the error of a report whose last output is wrong. err is the
// result of check.
func (a *adding) mismatch(r *response, report *report, err error) error {
	if cause := r.cause(); cause != nil {
		return r.brokenError(cause)
	}
	// A server that has not received the whole upload does not pin it: the upload
	// ends here.
	if r.upload.isNeeded() {
		return a.mismatched(r, err, cid.Undef)
	}
	timer := time.AfterFunc(restTimeout, func() { r.cancel(nil) })
	defer timer.Stop()
	for range maxRest {
		o := new(api.AddedOutput)
		if next := r.next(report.decoder, o); next == io.EOF && r.verify(report.decoder) != nil {
			return a.mismatched(r, err, cid.Undef) // the server says that it has failed
		} else if next != nil {
			break
		}
		if o.Cid.Defined() {
			report.add(o)
		}
	}
	return a.mismatched(r, err, report.root)
}

// mismatched returns the error of a report that is wrong. root is what the server
// may have pinned.
func (a *adding) mismatched(r *response, err error, root cid.Cid) error {
	var m *MismatchError
	if errors.As(err, &m) && !a.params.NoPin && !r.verifier.isRoot(root) {
		m.Pinned = root
	}
	return r.fail(r.StatusCode, "", err, true)
}
