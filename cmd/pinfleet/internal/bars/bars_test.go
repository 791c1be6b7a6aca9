package bars

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"github.com/pinfleet/pinfleet/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const mib = 1 << 20

func TestLine(t *testing.T) {
	middle := client.Progress{Attempt: 1, Name: "site/img/a-rather-long-name-of-a-picture.jpeg", SentBytes: 12 * mib, SentFiles: 3, TotalBytes: 27 * mib, TotalFiles: 10}
	unknown := client.Progress{Attempt: 1, Name: "stdin", SentBytes: 12 * mib}
	again := middle
	again.Attempt, again.Name = 2, "b"
	sent := middle
	sent.SentBytes, sent.SentFiles = sent.TotalBytes, sent.TotalFiles
	for _, test := range []struct {
		line  line
		width int
		want  string
	}{
		{line{middle, 5 * mib}, 120, "…r-long-name-of-a-picture.jpeg  ████████████░░░░░░░░░░░░░░░░░  44 %  12.0 of 27.0 MiB  5.0 MiB/s  3 of 10 files  3s left"},
		{line{middle, 5 * mib}, 80, "…ure.jpeg  ████░░░░░░  44 %  12.0 of 27.0 MiB  5.0 MiB/s  3 of 10 files  3s left"},
		{line{middle, 5 * mib}, 60, "…ame-of-a-picture.jpeg  ████░░░░░░  44 %  5.0 MiB/s  3s left"},
		{line{middle, 5 * mib}, 40, "…picture.jpeg  ████░░░░░░  44 %  3s left"},
		{line{middle, 5 * mib}, 20, "…re.jpeg  ████░░░░░░"},
		{line{again, 0}, 80, "attempt 2: b  ████████████░░░░░░░░░░░░░░░  44 %  12.0 of 27.0 MiB  3 of 10 files"},
		{line{unknown, 5 * mib}, 60, "stdin                           12.0 MiB  5.0 MiB/s  0 files"},
		{line{sent, mib}, 80, "all is sent, the cluster works on it (27.0 MiB, 10 files)"},
		{line{sent, mib}, 40, "all is sent, the cluster works on it (2…"},
		{line{}, 80, "beginning"},
	} {
		if got := test.line.text(test.width); got != test.want {
			t.Errorf("%d columns:\n%q\nwant:\n%q", test.width, got, test.want)
		}
	}
}

// TestLineFits checks that a line is never wider than the terminal.
func TestLineFits(t *testing.T) {
	for width := range 130 {
		for sent := int64(0); sent <= 30*mib; sent += 3 * mib {
			l := line{client.Progress{Attempt: 1 + int(sent%2), Name: strings.Repeat("ü", int(sent/mib)), SentBytes: sent, TotalBytes: 27 * mib, TotalFiles: 3}, float64(sent)}
			if got := l.text(width); ansi.StringWidth(got) > width || strings.Contains(got, "\n") {
				t.Fatalf("%d columns: %q has %d", width, got, ansi.StringWidth(got))
			}
		}
	}
}

func TestRate(t *testing.T) {
	var r rate
	at := time.Unix(0, 0)
	for _, step := range []struct {
		after time.Duration
		n     int64
		want  float64
	}{
		{0, 0, 0},
		{time.Second, 100, 100},
		{time.Second, 300, 150},
		{8 * time.Second, 1100, 100}, // since 300, the last number before the window
		{5 * time.Second, 1100, 0},   // nothing came in the window
	} {
		at = at.Add(step.after)
		if got := r.add(at, step.n); got != step.want {
			t.Errorf("%d after %s: %v, want %v", step.n, step.after, got, step.want)
		}
	}
}
