package unixfs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"
)

// tracing is a Sink that records its calls: p for a block, e for an event. Put
// fails for block number fail.
type tracing struct {
	strings.Builder
	fail int
}

func (s *tracing) Put(cid.Cid, []byte) error {
	s.WriteByte('p')
	if s.fail--; s.fail == 0 {
		return errTest
	}
	return nil
}

func (s *tracing) Emit(Event) error {
	return s.WriteByte('e')
}

// TestHashingAheadIsNotSeen checks that leaves hashed concurrently with reading
// are still put in order and before any later event, also if the file is
// interrupted, and that no leaf is put after a block that failed.
func TestHashingAheadIsNotSeen(t *testing.T) {
	const chunks = 3 * hashAhead
	whole := xorshift32(6, chunks*progressStep)
	for _, c := range []struct {
		name     string
		progress bool
		end      error // error at the end of the file
		fail     int
		want     string
	}{
		{"whole", false, io.EOF, 0, strings.Repeat("p", chunks) + "ppe"},
		{"progress", true, io.EOF, 0, "eepp" + strings.Repeat("ep", chunks-2) + "eeppe"},
		{"broken", false, errTest, 0, strings.Repeat("p", chunks)},
		{"progress, broken", true, errTest, 0, "eepp" + strings.Repeat("ep", chunks-2)},
		{"block fails", false, io.EOF, 2, "pp"},
		{"last leaf fails", false, io.EOF, chunks, strings.Repeat("p", chunks)},
		{"progress, block fails", true, io.EOF, 3, "eeppep"},
	} {
		r := io.MultiReader(bytes.NewReader(whole), readerFunc(func([]byte) (int, error) { return 0, c.end }))
		sink := &tracing{fail: c.fail}
		_, err := Import(context.Background(), single(r), Params{Progress: c.progress}, sink)
		if fails := c.end != io.EOF || c.fail != 0; fails != errors.Is(err, errTest) {
			t.Errorf("%s: error %v", c.name, err)
		}
		if got := sink.String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
