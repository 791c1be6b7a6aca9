package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client/internal/parts"
	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// verifier computes what the server must report of an upload, while the upload is
// sent, and compares the report with that.
//
// It reads the upload before the connection gets it. So whatever a server can know
// is already expected when it is reported, and comparing never waits.
type verifier struct {
	boundary string
	params   unixfs.Params
	// skip makes the verifier compute nothing. It still checks the form of the
	// upload.
	skip bool
	// sent, if not nil, is called with the progress of the upload.
	sent func(ctx context.Context, name string, read uint64) error

	mu       sync.Mutex
	expected []unixfs.Event // in the order of the report; the first at of them have come
	at       int
	root     cid.Cid // of the last expected output
	read     bool    // the whole upload was read
	failed   error   // why not all of it was imported
}

// newVerifier returns a verifier of an upload with these parameters.
func newVerifier(boundary string, params *api.AddParams, skip bool) *verifier {
	return &verifier{
		boundary: boundary,
		params: unixfs.Params{
			Format:         params.Format,
			Layout:         params.Layout,
			Chunker:        params.Chunker,
			Hash:           params.HashFun,
			CidVersion:     params.CidVersion,
			RawLeaves:      params.RawLeaves || !params.NoRawLeaves && params.CidVersion > 0,
			Wrap:           params.Wrap,
			RequireRoot:    true,
			RequireEntries: true,
			HashOnly:       true,
		},
		skip: skip || params.Shard || params.NoCopy,
	}
}

// run reads the upload that pull delivers, up to its closing delimiter. It returns
// an error if a server would lose a part of the upload, or if it is no good CAR.
// Other faults, such as an unknown chunker, are left to the server.
func (v *verifier) run(ctx context.Context, s *scratch, pull func() ([]byte, error)) error {
	interrupted := false
	tree := parts.New(v.boundary, v.params.Wrap, func() ([]byte, error) {
		piece, err := pull()
		interrupted = err != nil
		return piece, err
	})
	if v.sent != nil {
		tree.Progress = func(name string, read uint64) error { return v.sent(ctx, name, read) }
	}
	if !v.skip {
		v.params.Buffer = &s.buffer
		_, err := unixfs.Import(ctx, tree, v.params, v)
		if wrong := tree.Err(); wrong != nil {
			return unfit(wrong) // err may be another one
		}
		var replaced *unixfs.ReplacedError
		if err != nil && v.params.Format == formatCAR || errors.As(err, &replaced) {
			return unfit(err)
		}
		v.end(err, interrupted || ctx.Err() != nil)
	}
	if err := cmp.Or(parts.Skim(tree), tree.Finish()); err != nil {
		return unfit(err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.read = true
	return nil
}

// end records the error of the import. interrupted is set if the upload has ended
// early. Otherwise, a server that adds the upload is not to blame.
func (v *verifier) end(err error, interrupted bool) {
	if err == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.failed = fmt.Errorf("%w: the upload cannot be verified: %w", ErrInvalid, err); interrupted {
		v.failed = fmt.Errorf("%w: %w", ErrIncomplete, err)
	}
}

// unfit returns the error of an upload that no server would add.
func unfit(err error) error {
	var car *unixfs.CARError
	if errors.As(err, &car) {
		return fmt.Errorf("%w: the CAR cannot be added: %s", ErrInvalid, car.Reason)
	}
	return fmt.Errorf("%w: the upload cannot be added: %w", ErrInvalid, err)
}

// Put implements unixfs.Sink.
func (v *verifier) Put(cid.Cid, []byte) error { return nil }

// Emit implements unixfs.Sink.
func (v *verifier) Emit(e unixfs.Event) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.at > len(v.expected)/2 {
		v.expected, v.at = slices.Delete(v.expected, 0, v.at), 0
	}
	v.expected, v.root = append(v.expected, e), e.Cid
	return nil
}

var errEarly = errors.New("the server answered before it had the whole upload")

// check compares an output with the next expected one.
func (v *verifier) check(o *api.AddedOutput) error {
	if v.skip || !o.Cid.Defined() {
		return nil // progress has no CID
	}
	e, err := v.take(o)
	if err != nil {
		return err
	}
	got := o.Cid.Cid
	if e.Cid.Equals(got) && e.Directory == nil {
		return nil
	}
	if e.Directory != nil {
		if _, ok := e.Directory.Accept(got); ok {
			return nil
		}
	}
	return &MismatchError{Name: o.Name, Want: e.Cid, Got: got}
}

// take removes the expected output with the name of o from the list.
func (v *verifier) take(o *api.AddedOutput) (unixfs.Event, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	rest := v.expected[v.at:]
	if len(rest) == 0 {
		err := error(&MismatchError{Name: o.Name, Got: o.Cid.Cid})
		switch {
		case v.failed != nil:
			err = v.failed
		case !v.read:
			err = fmt.Errorf("%w: %w: %w", ErrIncomplete, errEarly, err)
		}
		return unixfs.Event{}, err
	}
	e := rest[0]
	if !sameName(e.Name, o.Name) {
		i := directoryNamed(rest, o.Name)
		if i < 0 {
			return unixfs.Event{}, &MismatchError{Name: e.Name, Want: e.Cid}
		}
		e = rest[i]
		copy(rest[1:], rest[:i])
	}
	rest[0] = unixfs.Event{} // it may hold a large directory
	v.at++
	return e, nil
}

// directoryNamed returns the index of the expected directory with this name, or -1.
// The order of the directories in another one depends on the form of that other
// one, which is reported after them.
func directoryNamed(expected []unixfs.Event, name string) int {
	for i, e := range expected {
		switch {
		case e.Directory == nil:
			return -1
		case sameName(e.Name, name):
			return i
		}
	}
	return -1
}

// sameName reports whether a server that adds name reports it as reported. JSON has
// U+FFFD for each byte that is not valid UTF-8.
func sameName(name, reported string) bool {
	return name == reported || !utf8.ValidString(name) && string([]rune(name)) == reported
}

// isRoot reports whether c is the root of what was sent.
func (v *verifier) isRoot(c cid.Cid) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return c.Defined() && c.Equals(v.root)
}

// finish returns an error if the server has not reported everything.
func (v *verifier) finish() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.at == len(v.expected) {
		return v.failed
	}
	missing := v.expected[v.at]
	return &MismatchError{Name: missing.Name, Want: missing.Cid}
}
