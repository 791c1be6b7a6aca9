package client

import (
	"context"
	"io"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/addprogress"
	"github.com/pinfleet/pinfleet/internal/liveness"
)

// Progress is how far an add has come. Bytes are those of the contents of files. A
// symlink counts as a file without content.
//
// Within an attempt, no number ever decreases, Stored numbers are at most the Sent
// numbers and, if the totals are known, Sent numbers at most the totals.
type Progress struct {
	// Attempt is 1 for the first attempt and higher by 1 whenever the upload begins
	// anew, at the same peer or at another one. The Sent and Stored numbers are those
	// of this attempt, and begin at 0. Attempt is 0 if nothing was ever sent.
	Attempt int
	// Name is the file that was sent last, as in AddedOutput.Name.
	Name string
	// SentBytes and SentFiles are what the upload has taken from its source. Up to
	// 1 MiB of it may still wait to be written to the connection.
	SentBytes, SentFiles int64
	// StoredBytes and StoredFiles are the content and the number of the files whose
	// CIDs the cluster has reported. In buffered mode, that is at the end.
	StoredBytes, StoredFiles int64
	// TotalBytes and TotalFiles are those of the whole upload, and 0 if they are not
	// known: for AddMultiFile, for a CAR and for http(s):// sources. They increase if
	// files grow while they are added.
	TotalBytes, TotalFiles int64
	// Done is set in the last report of an add, whether it has succeeded or failed.
	Done bool
}

// WithProgress returns a context whose adds call report with their progress: at most
// ten times a second, and once at the end. It works for every way to add, with the
// default client and with a load balancer of default clients. An add that is refused
// because of its arguments makes no report, or only the last one.
//
// Calls of report are not concurrent, but come from several goroutines. None comes
// after the add has returned. The add waits while report runs, and a panic of report
// is passed on to the caller of the add. Use the context for one add at a time,
// otherwise their reports alternate.
//
// So that the totals are known, AddPaths, AddFS and [Client.Add] walk their files
// once more before they are sent. A nil report ends the reports to an earlier one.
func WithProgress(ctx context.Context, report func(Progress)) context.Context {
	if report == nil {
		return addprogress.With(ctx, nil)
	}
	return addprogress.With(ctx, func(f addprogress.Figures) { report(Progress(f)) })
}

// totalsOf returns the number of files below roots and of their bytes, or zeros if
// they cannot be known.
func totalsOf(ctx context.Context, roots []node, params *api.AddParams) (files, bytes int64) {
	for _, n := range roots {
		if n.web != nil {
			return 0, 0
		}
	}
	if params.Format == formatCAR {
		return 0, 0 // a CAR of version 2 is sent as version 1
	}
	return measure(ctx, newWalker(roots, params))
}

// measure returns the number of files of a tree and of their bytes. If it cannot be
// read, it returns zeros: the add will fail for the same reason.
func measure(ctx context.Context, tree sourceTree) (files, bytes int64) {
	tracker := liveness.From(ctx)
	tracker.Pause()
	defer tracker.Resume()
	defer tree.close()
	for ctx.Err() == nil {
		n, err := tree.next()
		if err == io.EOF {
			return files, bytes
		}
		if err != nil {
			return 0, 0
		}
		switch {
		case n.typ.IsDir():
			continue
		case n.typ == 0:
			size, err := tree.size(n)
			if err != nil {
				return 0, 0
			}
			bytes += size
		}
		files++
	}
	return 0, 0
}
