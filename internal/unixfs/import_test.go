package unixfs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"
)

func mustImport(t testing.TB, parts []part, p Params) (*memory, Result) {
	t.Helper()
	sink := newMemory()
	result, err := Import(context.Background(), upload(multipartBody(t, parts)), p, sink)
	if err != nil {
		t.Fatal(err)
	}
	return sink, result
}

func directory(name string) part {
	return part{Filename: name, ContentType: typeDirectory}
}

// TestReferenceCIDs compares with CIDs of the real adder that are not in the
// recorded requests.
func TestReferenceCIDs(t *testing.T) {
	for _, c := range []struct {
		content string
		params  Params
		cid     string
		size    uint64
	}{
		{"hello", Params{}, "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX", 13},
		{strings.Repeat("h", 600000), Params{}, "QmSsxq8psxM4SasNvT79Cr6n8bWGwbJj6RYL9FvGqkgTkg", 600194},
		{"aa", Params{CidVersion: 1, RawLeaves: true}, "bafkreiewdnw5h3pdzohmxkwl22g6aqgnpdvs5vmiseymz22mjeti5jgvay", 2},
		{"hello", Params{Hash: "SHA2-256"}, "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX", 13},
	} {
		sink, result := mustImport(t, []part{file("f", c.content)}, c.params)
		if got := result.Root.String(); got != c.cid {
			t.Errorf("%.5q… with %+v: %s, want %s", c.content, c.params, got, c.cid)
		}
		if got := sink.events[0].Size; got != c.size {
			t.Errorf("%.5q… with %+v: size %d, want %d", c.content, c.params, got, c.size)
		}
	}
}

// TestEventOrder checks names and order of events for uploads that are not in
// the recorded requests.
func TestEventOrder(t *testing.T) {
	a, b := "a", "b"
	for _, c := range []struct {
		name  string
		parts []part
		wrap  bool
		want  string
	}{
		{
			"implicit parents",
			[]part{file("d/sub/x", a)},
			false, "d/sub/x d/sub d",
		},
		{
			"implicit parents, wrapped",
			[]part{file("d/sub/x", a)},
			true, `d/sub/x d/sub d ""`,
		},
		{
			"directories by name, after all files",
			[]part{directory("d"), file("d/z/1", a), file("d/b", b), file("d/a/2", a), directory("d/m")},
			false, "d/z/1 d/b d/a/2 d/a d/m d/z d",
		},
		{
			"two directories",
			[]part{file("d1/s/x", a), file("d2/t/y", b)},
			false, "d1/s/x d1/s d1 d2/t/y d2/t d2",
		},
		{
			"directory, file, directory again",
			[]part{file("d/x", a), file("f", b), file("d/y", b)},
			false, "d/x d f d/y d",
		},
		{
			"a directory that comes back",
			[]part{file("d/s/x", a), file("d/f", a), file("d/s/y", b)},
			false, "d/s/x d/f d/s/y d/s d",
		},
		{
			"dots and slashes are cleaned",
			[]part{file("../d//./x", a), file("d/../d/y", b)},
			false, "d/x d/y d",
		},
		{
			"nothing but an empty wrapping directory",
			nil,
			true, `""`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			sink, result := mustImport(t, c.parts, Params{Wrap: c.wrap})
			var names []string
			for _, e := range sink.events {
				if e.Name == "" {
					e.Name = `""`
				}
				names = append(names, e.Name)
			}
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("events %s, want %s", got, c.want)
			}
			if last := sink.events[len(sink.events)-1]; !last.Cid.Equals(result.Root) {
				t.Errorf("root %s, last event %s", result.Root, last.Cid)
			}
			checkStored(t, sink, result)
		})
	}
}

// TestScratchDirectoryIsShared checks that, without wrapping, a top-level
// directory also holds the entries of the top-level directories before it, and
// top-level files under their CID. The server does that; clients must not rely
// on it.
func TestScratchDirectoryIsShared(t *testing.T) {
	sink, result := mustImport(t, []part{file("d1/x", "1"), file("f", "2"), file("d2/y", "3")}, Params{})
	for name, text := range map[string]string{"x": "1", "y": "3", sink.events[2].Cid.String(): "2"} {
		c, err := Resolve(sink.get, result.Root, []string{name})
		if err != nil {
			t.Error(err)
		} else if got := string(content(t, sink, c)); got != text {
			t.Errorf("%s holds %q, want %q", name, got, text)
		}
	}
}

func TestSameNameTwice(t *testing.T) {
	sink, result := mustImport(t, []part{file("d/x", "1"), file("d/x", "22")}, Params{})
	if n := len(sink.events); n != 3 {
		t.Errorf("%d events, want both files and the directory", n)
	}
	c, err := Resolve(sink.get, result.Root, []string{"x"})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(content(t, sink, c)); got != "22" {
		t.Errorf("the first file stayed: %q", got)
	}
}

func TestFileInPlaceOfDirectory(t *testing.T) {
	body := multipartBody(t, []part{directory("d/x"), file("d/y", "1"), file("d/x", "2")})
	_, err := Import(context.Background(), upload(body), Params{}, newMemory())
	if !errors.Is(err, errEntryExists) {
		t.Errorf("error %v", err)
	}
	sink, result := mustImport(t, []part{file("d/x", "1"), file("d/y", "1"), file("d/x/z", "2")}, Params{})
	if _, err := Resolve(sink.get, result.Root, []string{"x", "z"}); err != nil {
		t.Errorf("a directory does not replace the file: %v", err)
	}
}

func TestSymlink(t *testing.T) {
	link := part{Filename: "l", ContentType: typeSymlink}
	link.Content.Text = "../target"
	sink, result := mustImport(t, []part{link}, Params{})
	if got := string(decode(t, sink, result.Root).fs.GetData()); got != "../target" {
		t.Errorf("target %q", got)
	}
}

func TestBadParams(t *testing.T) {
	for _, c := range []struct {
		params Params
		want   string
	}{
		{Params{CidVersion: -1}, "bad CID Version: unknown CID version: -1"},
		{Params{CidVersion: 2, Hash: "nohash"}, "bad CID Version: unknown CID version: 2"},
		{Params{Hash: "nohash"}, "hash function name not known"},
		{Params{Hash: "sha3-256"}, "invalid cid: invalid v0 prefix"},
		{Params{Hash: "sha3-256", RawLeaves: true}, "invalid cid: invalid v0 prefix"},
		{Params{Chunker: "nope"}, "unrecognized chunker option: nope"},
		{Params{Chunker: "size-0"}, "chunker size must be greater than 0"},
		{Params{Chunker: "size-3000000"}, "chunker parameters may not exceed the maximum chunk size of 2096896"},
		{Params{Chunker: "rabin-16-16-32"}, "incorrect format: rabin-min must be smaller than rabin-avg"},
		{Params{Chunker: "rabin-1-2-3"}, "rabin min must be greater than 16"},
		{Params{Chunker: "rabin-47"}, "rabin min must be greater than 16"},
		{Params{Chunker: "rabin-9223372036854775807"}, "chunker parameters may not exceed the maximum chunk size of 2096896"},
		{Params{Format: "tar"}, "bad dag formatter option"},
		{Params{Shard: true}, "block doesn't fit in empty shard: shard size too small?"},
	} {
		sink := newMemory()
		_, err := Import(context.Background(), single(strings.NewReader("x")), c.params, sink)
		if err == nil || err.Error() != c.want {
			t.Errorf("%+v: error %v, want %s", c.params, err, c.want)
		}
		if len(sink.events) > 0 {
			t.Errorf("%+v: event %+v before the error", c.params, sink.events[0])
		}
	}
}

// TestProgressAtTheEnd checks that, if the last chunk of a file is full, the
// end of the file is read more than once and reported each time.
func TestProgressAtTheEnd(t *testing.T) {
	sink := newMemory()
	content := xorshift32(5, 2*262144)
	if _, err := Import(context.Background(), single(bytes.NewReader(content)), Params{Progress: true}, sink); err != nil {
		t.Fatal(err)
	}
	var read []uint64
	for _, e := range sink.events {
		if e.Kind == Progress {
			read = append(read, e.Bytes)
		}
	}
	if want := []uint64{262144, 524288, 524288, 524288}; !slices.Equal(read, want) {
		t.Errorf("progress %d, want %d", read, want)
	}
}

var errTest = errors.New("test")

// failing fails at the n-th block or event.
type failing struct {
	memory
	puts, emits int
}

func (f *failing) Put(c cid.Cid, block []byte) error {
	if f.puts--; f.puts == 0 {
		return errTest
	}
	return f.memory.Put(c, block)
}

func (f *failing) Emit(e Event) error {
	if f.emits--; f.emits == 0 {
		return errTest
	}
	return f.memory.Emit(e)
}

// TestSinkErrorsEndTheImport makes every single block and event fail in turn.
func TestSinkErrorsEndTheImport(t *testing.T) {
	body := multipartBody(t, []part{file("d/s/x", "12345678"), file("d/y", "9"), directory("e")})
	for _, p := range []Params{
		{Chunker: "size-2", Progress: true},
		{Chunker: "size-2", Shard: true, ShardSize: 250},
	} {
		whole := newMemory()
		if _, err := Import(context.Background(), upload(body), p, whole); err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= len(whole.order); n++ {
			sink := &failing{memory: *newMemory(), puts: n}
			if _, err := Import(context.Background(), upload(body), p, sink); err != errTest {
				t.Errorf("block %d fails: error %v", n, err)
			}
		}
		for n := 1; n <= len(whole.events); n++ {
			sink := &failing{memory: *newMemory(), emits: n}
			if _, err := Import(context.Background(), upload(body), p, sink); err != errTest {
				t.Errorf("event %d fails: error %v", n, err)
			}
		}
	}
}

// closing counts how often a file was closed.
type closing struct {
	io.Reader
	closed int
}

func (c *closing) Close() error {
	c.closed++
	return nil
}

func TestReadErrorEndsTheImport(t *testing.T) {
	for _, chunker := range []string{"", "rabin", "buzhash"} {
		for _, layout := range []string{"balanced", "trickle"} {
			for _, length := range []int{0, 10, 262144, 300000} {
				broken := io.MultiReader(bytes.NewReader(make([]byte, length)), errReader{})
				f := &closing{Reader: broken}
				_, err := Import(context.Background(), single(f), Params{Chunker: chunker, Layout: layout}, newMemory())
				if !errors.Is(err, errTest) {
					t.Errorf("%q %s, %d bytes: error %v", chunker, layout, length, err)
				}
				if f.closed != 1 {
					t.Errorf("%q %s, %d bytes: closed %d times", chunker, layout, length, f.closed)
				}
			}
		}
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errTest }

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Import(ctx, single(strings.NewReader("x")), Params{}, newMemory())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: error %v", err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	endless := readerFunc(func(b []byte) (int, error) {
		cancel()
		return len(b), nil
	})
	_, err = Import(ctx, single(endless), Params{}, newMemory())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while reading: error %v", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestEmptyUpload(t *testing.T) {
	for _, p := range []Params{{}, {Format: "car"}} {
		_, err := Import(context.Background(), files.NewSliceDirectory(nil), p, newMemory())
		if !errors.Is(err, ErrEmpty) {
			t.Errorf("%+v: error %v", p, err)
		}
	}
	_, err := Import(context.Background(), files.NewSliceDirectory(nil), Params{Shard: true}, newMemory())
	if err != errNoShard {
		t.Errorf("sharded: error %v", err)
	}
}
