package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/cmd/pinfleet/internal/output"
)

// watch prints the status of the items, and then each change, until ctx ends.
func (s *session) watch(ctx context.Context, q statusQuery, interval time.Duration) error {
	s.out.Live = true
	w := watcher{s: s, last: make(map[string]*api.GlobalPinInfo)}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if err := w.look(ctx, q); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// watcher prints the changes between two looks at the status of items.
type watcher struct {
	s    *session
	last map[string]*api.GlobalPinInfo // by CID
}

// look asks for the status of the items and prints what has changed.
func (w *watcher) look(ctx context.Context, q statusQuery) error {
	seen := make(map[string]bool, len(w.last))
	for info, err := range q.list(ctx, w.s) {
		if err != nil {
			return err
		}
		key := info.Cid.String()
		seen[key] = true
		if err := w.compare(w.last[key], info); err != nil {
			return err
		}
		w.last[key] = info
	}
	for _, key := range slices.Sorted(maps.Keys(w.last)) {
		if !seen[key] {
			delete(w.last, key)
			if err := w.print(key, output.Text("is no longer listed")); err != nil {
				return err
			}
		}
	}
	return w.s.out.Flush()
}

// compare prints the differences between two statuses of an item. before is nil if
// the item is new.
func (w *watcher) compare(before, after *api.GlobalPinInfo) error {
	summary := statusSummary(after)
	if before != nil && statusSummary(before) == summary && firstError(before) == firstError(after) {
		return nil
	}
	if w.s.out.JSON {
		return w.s.out.Document(after)
	}
	cells := []output.Cell{output.Text(after.Name), summary}
	if text := firstError(after); text != "" {
		cells = append(cells, output.Bad(text))
	}
	return w.print(after.Cid.String(), cells...)
}

// print prints a line about an item with the time of day.
func (w *watcher) print(item string, cells ...output.Cell) error {
	line := fmt.Sprintf("%s  %s", w.s.now().Format(time.TimeOnly), item)
	for _, c := range cells {
		if text := w.s.out.Cell(c); text != "" {
			line += "  " + text
		}
	}
	return w.s.out.Line("%s", line)
}
