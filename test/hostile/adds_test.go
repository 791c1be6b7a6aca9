package hostile

import (
	"testing"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/hostile"
)

// The correct report is a success. Otherwise, the wrong ones could fail for any reason.
func TestCorrectReportIsASuccess(t *testing.T) {
	b := newBench(t)
	for _, m := range b.methods {
		if !m.adds() {
			continue
		}
		peer := serve(t, hostile.Report())
		c, err := client.NewDefaultClient(peer.config())
		if err != nil {
			t.Fatal(err)
		}
		if outputs, err := m.call(t.Context(), t, c, b.args); err != nil || outputs != len(hostile.Files())+1 {
			t.Errorf("%s: %d outputs, %v", m.Name, outputs, err)
		}
		closeClient(t, m.Name, c)
	}
}
