package pinset_test

import (
	"context"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// The progress is reported while a source is read in which nothing is different, at most 10
// times a second, and at the end.
func TestProgress(t *testing.T) {
	const n = 2000
	for name, run := range map[string]func(context.Context, client.Client, iter.Seq2[*api.Pin, error], ...pinset.Option) iter.Seq2[*pinset.Change, error]{
		"Diff": pinset.Diff, "Sync": pinset.Sync,
	} {
		synctest.Test(t, func(t *testing.T) {
			cluster, c, end, err := overMemory(clustertest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer end()
			for i := range n {
				cluster.SeedPin(*testPin(i))
			}
			slow := func(yield func(*api.Pin, error) bool) {
				for pin := range testPins(n - 1) {
					time.Sleep(5 * time.Millisecond)
					if !yield(pin, nil) {
						return
					}
				}
			}
			var reports []pinset.Progress
			_, errs := collect(run(t.Context(), c, slow, pinset.WithProgress(func(p pinset.Progress) { reports = append(reports, p) })))
			if len(errs) > 0 {
				t.Error(errs)
			}
			if len(reports) < 5 || len(reports) > 105 {
				t.Errorf("%s: %d reports in 10 s", name, len(reports))
			}
			last := reports[len(reports)-1]
			if last.Listed != n || last.Read != n-1 || last.Extra != 1 || last.Failed != 0 {
				t.Errorf("%s: progress at the end %+v", name, last)
			}
			if before := reports[len(reports)/2]; before.Read == 0 || before.Read == n-1 {
				t.Errorf("%s: progress in the middle %+v", name, before)
			}
		})
	}
}
