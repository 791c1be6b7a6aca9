package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client/internal/parts"
	"github.com/pinfleet/pinfleet/internal/addprogress"
	"github.com/pinfleet/pinfleet/internal/unixfs"
)

// verifier computes what the server must report about an upload while the upload is
// sent, and compares the report with that.
//
// It reads the upload before the connection gets it. So whatever a server can know
// is already expected when it is reported, and a comparison never waits.
type verifier struct {
	boundary string
	params   unixfs.Params
	// skip makes the verifier compute nothing. It still checks the form of the
	// upload.
	skip bool
	// sent, if not nil, is called with the progress of the upload.
	sent func(ctx context.Context, name string, read uint64) error
	// progress is that of the add; it may be nil.
	progress *addprogress.Attempt

	mu       sync.Mutex
	expected []unixfs.Event // in the order of the report
	at       int            // the first at of them were reported or passed over
	root     cid.Cid        // of the last expected output
	// passed holds the expected directories that were passed over, by their reported
	// names.
	passed map[string][]unixfs.Event
	// inside counts the directories in passed, by the name of the one that contains
	// them.
	inside map[string]int
	read   bool  // the whole upload was read
	failed error // the reason why the import ended early
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
// an error if a server would lose a part of the upload, or if it is not a valid CAR.
// Other faults, such as an unknown chunker, are left to the server.
func (v *verifier) run(ctx context.Context, s *scratch, pull func() ([]byte, error)) error {
	interrupted := false
	tree := parts.New(v.boundary, v.params.Wrap, func() ([]byte, error) {
		piece, err := pull()
		interrupted = err != nil
		return piece, err
	})
	if v.sent != nil || v.progress != nil {
		tree.Progress = func(r parts.Read) error { return v.report(ctx, r) }
	}
	if !v.skip {
		v.params.Buffer = &s.buffer
		_, err := unixfs.Import(ctx, tree, v.params, v)
		if wrong := tree.Err(); wrong != nil {
			return unfit(wrong) // err may be another one
		}
		var replaced *unixfs.ReplacedError
		if err != nil && v.params.Format == formatCAR || errors.As(err, &replaced) || errors.Is(err, unixfs.ErrLongIdentity) {
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

// report passes the progress of the upload on.
func (v *verifier) report(ctx context.Context, r parts.Read) error {
	v.progress.Sent(reportedName(r.Path), int64(r.Bytes), r.Ended)
	if v.sent == nil || r.Symlink {
		return nil
	}
	return v.sent(ctx, r.Name, r.Bytes)
}

// end records the error of the import. interrupted is set if the upload has ended
// early. If it is not, the upload itself is the cause, not the server.
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
//
// The order in which the directories inside another one are reported depends on the
// form of that other one, which is reported after them. So take passes over
// directories, which may be reported later.
func (v *verifier) take(o *api.AddedOutput) (unixfs.Event, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e, ok := v.takePassed(o.Name); ok {
		return e, v.missingIn(e)
	}
	rest := v.expected[v.at:]
	if len(rest) == 0 {
		return unixfs.Event{}, v.unexpected(o)
	}
	missing := &MismatchError{Name: rest[0].Name, Want: rest[0].Cid}
	for i, e := range rest {
		isDir := e.Directory != nil
		if !isDir && len(v.passed) > 0 {
			break // the directories must come before this file
		}
		rest[i] = unixfs.Event{} // it may hold a large directory
		v.at++
		if reportedName(e.Name) == o.Name {
			return e, v.missingIn(e)
		}
		if !isDir {
			break
		}
		name := reportedName(e.Name)
		if v.passed == nil {
			v.passed, v.inside = make(map[string][]unixfs.Event), make(map[string]int)
		}
		v.inside[parentOf(e.Name)]++
		v.passed[name] = append(v.passed[name], e)
	}
	return unixfs.Event{}, missing
}

// takePassed removes a directory that was passed over. It returns false if there is
// none with this name.
func (v *verifier) takePassed(name string) (unixfs.Event, bool) {
	found := v.passed[name]
	switch len(found) {
	case 0:
		return unixfs.Event{}, false
	case 1:
		delete(v.passed, name)
	default:
		v.passed[name] = found[1:]
	}
	v.inside[parentOf(found[0].Name)]--
	return found[0], true
}

// missingIn returns an error if a directory inside that of e was passed over and not
// reported later. Every server reports it before e. If e were delivered without it, a
// repeated add could not go on after e.
func (v *verifier) missingIn(e unixfs.Event) error {
	if e.Directory == nil || v.inside[e.Name] == 0 {
		return nil
	}
	for _, passed := range v.passed {
		for _, missing := range passed {
			if parentOf(missing.Name) == e.Name {
				return &MismatchError{Name: missing.Name, Want: missing.Cid}
			}
		}
	}
	return nil
}

// parentOf returns the name of the directory that contains the one with this name.
// The name of a wrapping directory is empty.
func parentOf(name string) string {
	return name[:max(0, strings.LastIndexByte(name, '/'))]
}

// unexpected returns the error of an output that comes when none is expected.
func (v *verifier) unexpected(o *api.AddedOutput) error {
	err := error(&MismatchError{Name: o.Name, Got: o.Cid.Cid})
	switch {
	case v.failed != nil:
		return v.failed
	case !v.read:
		return fmt.Errorf("%w: %w: %w", ErrIncomplete, errEarly, err)
	}
	return err
}

// reportedName returns the name under which a server reports what it adds as name.
// JSON has U+FFFD for each byte that is not valid UTF-8.
func reportedName(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	return string([]rune(name))
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
	if v.at < len(v.expected) {
		missing := v.expected[v.at]
		return &MismatchError{Name: missing.Name, Want: missing.Cid}
	}
	for _, missing := range v.passed {
		return &MismatchError{Name: missing[0].Name, Want: missing[0].Cid}
	}
	return v.failed
}
