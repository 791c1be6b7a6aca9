package client

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// U11, for all paths: the server decodes exactly the given path.
func TestU11AnyPathSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segment := rapid.StringN(1, 12, -1).Filter(func(s string) bool { return s != "." && s != ".." && !strings.Contains(s, "/") })
		path := "/ipfs/" + textA
		for _, s := range rapid.SliceOfN(segment, 0, 5).Draw(t, "segments") {
			path += "/" + s
		}
		escaped, err := contentPath(OpPinPath, path)
		if err != nil {
			t.Fatal(err)
		}
		c := &defaultClient{endpoint: endpointAt("http://h.test/base")}
		target, err := c.target(&request{path: escaped})
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.ParseRequestURI(target.RequestURI())
		if err != nil || u.Path != "/base/pins"+path || u.RawQuery != "" {
			t.Fatalf("%q is sent as %s and read as %q, %v", path, target.RequestURI(), u.Path, err)
		}
	})
}

// An upload delivers the bytes of its source, for all sizes of reads on either side, and
// through Read and WriteTo.
func TestUploadDeliversItsSource(t *testing.T) {
	all := pattern((maxBlocks + 2) * largeBlock)
	rapid.Check(t, func(t *rapid.T) {
		want := all[:rapid.OneOf(rapid.IntRange(0, 8*firstBlock), rapid.IntRange(0, len(all))).Draw(t, "size")]
		var src io.Reader = bytes.NewReader(want)
		switch rapid.IntRange(0, 3).Draw(t, "source") {
		case 1:
			src = iotest.HalfReader(src)
		case 2:
			src = iotest.DataErrReader(src)
		case 3:
			src = &hesitant{r: src}
		}
		u, err := newUpload(context.Background(), &Body{Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(src), nil }}, nil, new(sync.Pool))
		if err != nil {
			t.Fatal(err)
		}
		defer u.Close()
		var got bytes.Buffer
		p := make([]byte, rapid.IntRange(1, 2*largeBlock).Draw(t, "buffer"))
		for range rapid.IntRange(0, 1000).Draw(t, "reads") {
			var n int
			if n, err = u.Read(p); err != nil {
				break
			}
			got.Write(p[:n])
		}
		if err == nil {
			_, err = u.WriteTo(&got)
		}
		if err != nil && err != io.EOF || !bytes.Equal(got.Bytes(), want) {
			t.Fatalf("%d bytes of %d, %v", got.Len(), len(want), err)
		}
	})
}

// appendEscaped escapes names like net/url.
func TestEscapedNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := string(rapid.SliceOf(rapid.Byte()).Draw(t, "name"))
		if got := string(appendEscaped([]byte("x"), name)); got != "x"+url.QueryEscape(name) {
			t.Fatalf("%q is escaped as %s", name, got)
		}
	})
}

// The batches hold every CID once and in order, and none exceeds the limit.
func TestBatchesHoldEveryCID(t *testing.T) {
	cids := manyCids(400)
	rapid.Check(t, func(t *rapid.T) {
		picked := rapid.SliceOfN(rapid.SampledFrom(cids), 0, 400).Draw(t, "cids")
		var want, got []string
		seen := map[string]bool{}
		for _, ci := range picked {
			if !seen[ci.String()] {
				want = append(want, ci.String())
			}
			seen[ci.String()] = true
		}
		c := overListing(func(batch []string) { got = append(got, batch...) })
		if _, err := collect(c.StatusCids(context.Background(), picked, false)); err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, ",") != strings.Join(want, ",") {
			t.Fatalf("%d CIDs were asked for, want %d", len(got), len(want))
		}
	})
}
