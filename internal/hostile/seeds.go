package hostile

import (
	"bufio"
	"io"
	"iter"
	"net/http"
	"strings"
)

const (
	// maxSeed is the maximum size of a seed in bytes. Fuzzing is slow with large ones.
	maxSeed = 32 << 10
	// seedRepeats is how often a seed has the Repeat of its answer.
	seedRepeats = 20
)

// Seeds yields status and body of the answers, as seeds for fuzz targets. Answers that
// repeat something do so only a few times. Large answers, and those that are not HTTP,
// are left out.
func Seeds() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for _, a := range All() {
			text := a.seed()
			if len(text) > maxSeed {
				continue
			}
			resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil) //nolint:bodyclose // it is in memory
			if err != nil {
				continue
			}
			body, _ := io.ReadAll(resp.Body) // its error may be what is hostile about the answer
			if !yield(resp.StatusCode, body) {
				return
			}
		}
	}
}

// ChunkedSeeds yields the chunked bodies of the answers with their trailers, as sent.
// Otherwise it is like Seeds.
func ChunkedSeeds() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, a := range All() {
			text := a.seed()
			head, chunks, _ := strings.Cut(text, "\r\n\r\n")
			if len(text) <= maxSeed && strings.Contains(head, "Transfer-Encoding: chunked") && !yield(chunks) {
				return
			}
		}
	}
}

// seed returns what the answer sends, with a few repetitions.
func (a Answer) seed() string { return a.Wire + strings.Repeat(a.Repeat, seedRepeats) + a.Tail }
