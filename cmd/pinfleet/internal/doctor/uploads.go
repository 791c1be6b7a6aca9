package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
	"github.com/pinfleet/pinfleet/internal/sleep"
)

// checkTrailers reports that listings arrive without their trailers.
func (e *endpoint) checkTrailers() {
	if strings.HasPrefix(e.version, "0.") || !e.wire.dropsTrailers() {
		return // servers before v1.0 send lists without trailers
	}
	e.report(Finding{ID: TrailersDropped, Severity: Warning, What: "listings arrive without their trailers",
		Why: "A peer reports errors in the trailer. Without it, it is not known whether a listing is complete.",
		Do:  "Let the proxy in front of the peer speak HTTP/1.1 to it, and pass trailers."})
}

// probeName is the name of the pin of the upload check.
const probeName = "pinfleet doctor (may be removed)"

// Sizes in bytes of the two parts of the upload check. The first one is more than what
// the client and a proxy hold back before they send anything, and the second one more
// than what a proxy may discard at once.
const (
	probeHead = 768 << 10
	probeTail = 768 << 10
)

// headPause is how long the upload check waits for the peer's report of the first file
// before it sends the second one. Proxies that buffer uploads report nothing before the
// end.
const headPause = 2 * time.Second

// cleanupTimeout limits the removal of the pin of the upload check.
const cleanupTimeout = 10 * time.Second

// checkUploads adds a folder of two files of random bytes, and removes its pin.
//
// A proxy that is not full duplex stops reading the upload when the report begins. The
// client works around that in two ways: it announces that the connection ends with the
// upload, and it asks for a report at the end. Other programs do neither. So the check
// first does neither, and tries the client's ways when that fails.
func (e *endpoint) checkUploads(ctx context.Context) {
	e.wire.keepConnections(true)
	plain := e.probe(ctx, true)
	e.wire.keepConnections(false)
	if plain == nil || ctx.Err() != nil {
		return
	}
	if !damaged(plain) {
		e.reportUpload(plain)
		return
	}
	careful := e.probe(ctx, false)
	switch {
	case ctx.Err() != nil:
	case careful == nil:
		e.report(Finding{ID: HalfDuplex, Severity: Warning,
			What: "a proxy in front of the peer is not full duplex: it loses a part of an upload when the report begins",
			Why:  "Programs that do not verify what they add store damaged files without an error. This client notices it and adds again in another way, which takes longer.",
			Do:   "Turn full duplex on (caddy: enable_full_duplex in the servers block), or let the proxy buffer requests. Until then, set PINFLEET_BUFFERED_ADDS=true, and stream-channels=false in other programs."})
	case damaged(careful):
		e.report(Finding{ID: UploadsDamaged, Severity: Error, What: "what is stored is not what was sent: " + careful.Error(),
			Why: "Every file that is added through this endpoint may be damaged.",
			Do:  "Do not add through this endpoint. Find out whether the peer itself or something in front of it changes the uploads: add to the peer directly."})
	default:
		e.reportUpload(careful)
	}
}

func damaged(err error) bool {
	return errors.Is(err, client.ErrContentMismatch) || errors.Is(err, client.ErrIncomplete)
}

func (e *endpoint) reportUpload(err error) {
	var failed *client.Error
	if errors.As(err, &failed) && failed.Status == 0 || errors.Is(err, context.DeadlineExceeded) {
		f := e.diagnose(err, "the result of an add", e.uploadTimeout())
		e.silent = f.ID == NoAnswer
		e.report(f)
		return
	}
	e.report(Finding{ID: UploadsRefused, Severity: Error, What: "an add fails: " + err.Error(),
		Why: "Nothing can be added through this endpoint.",
		Do:  "Look at the error, and at the log of the peer. A proxy in front of it may limit the size of requests."})
}

func (e *endpoint) uploadTimeout() time.Duration { return max(e.opts.Timeout, everyoneTimeout) }

// probe adds new random files and unpins them.
func (e *endpoint) probe(ctx context.Context, streamed bool) error {
	limited, cancel := context.WithTimeout(ctx, e.uploadTimeout())
	defer cancel()
	params := api.DefaultAddParams()
	params.Name, params.Wrap, params.StreamChannels = probeName, true, streamed
	out := make(chan *api.AddedOutput)
	heard := make(chan struct{})
	last := make(chan cid.Cid, 1)
	go func() {
		var root cid.Cid
		report := sync.OnceFunc(func() { close(heard) })
		for o := range out {
			report()
			root = o.Cid.Cid
		}
		last <- root
	}()
	err := e.c.AddMultiFile(limited, probeBody(limited, heard), params, out)
	root := <-last
	var wrong *client.MismatchError
	if errors.As(err, &wrong) && wrong.Pinned.Defined() {
		root = wrong.Pinned
	}
	// After an error, too, the peer may have pinned what it has reported last.
	e.remove(ctx, root)
	return err
}

// remove unpins root if it is pinned.
func (e *endpoint) remove(ctx context.Context, root cid.Cid) {
	if !root.Defined() {
		return
	}
	e.probed = append(e.probed, root)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	if _, err := e.c.Unpin(ctx, root); err != nil && !errors.Is(err, client.ErrNotFound) {
		e.report(Finding{ID: ProbeLeft, Severity: Warning, What: fmt.Sprintf("the file of the upload check could not be unpinned: %v", err),
			Why: fmt.Sprintf("It takes %s at each peer that holds it.", output.Bytes(probeHead+probeTail)),
			Do:  fmt.Sprintf("Run “pinfleet pin rm %s”.", root)})
	}
}

// probeBody returns the upload of the check. Its second file begins when heard is
// closed, or after headPause.
func probeBody(ctx context.Context, heard <-chan struct{}) *files.MultiFileReader {
	tail := &slowReader{ctx: ctx, from: io.LimitReader(rand.Reader, probeTail), wait: func() {
		begin, cancel := context.WithTimeout(ctx, headPause)
		defer cancel()
		select {
		case <-heard:
		case <-begin.Done():
		}
	}}
	return files.NewMultiFileReader(files.NewSliceDirectory([]files.DirEntry{
		files.FileEntry("head", files.NewReaderFile(io.LimitReader(rand.Reader, probeHead))),
		files.FileEntry("tail", files.NewReaderFile(tail)),
	}), true, false)
}

// The size in bytes of the pieces of the second file, and the time before each.
const (
	tailPiece = 16 << 10
	tailPause = 4 * time.Millisecond
)

// slowReader reads in pieces, with pauses. In a proxy that is not full duplex, one
// goroutine reads the upload to discard it and another one to pass it on. In the pauses,
// each of them gets its turn.
type slowReader struct {
	ctx  context.Context
	from io.Reader
	wait func() // before the first piece; nil after it
}

func (r *slowReader) Read(p []byte) (int, error) {
	if r.wait != nil {
		r.wait()
		r.wait = nil
	} else {
		sleep.For(r.ctx, tailPause)
	}
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.from.Read(p[:min(len(p), tailPiece)])
}
