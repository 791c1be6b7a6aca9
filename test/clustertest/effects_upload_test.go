package clustertest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/internal/golden"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// TestUploadEffects applies each effect to an upload of three files, streamed and
// buffered, and compares the reported files with those of an upload of the
// contents that the server must have read.
func TestUploadEffects(t *testing.T) {
	a, b, c := "one", "two", "three"
	// offset is the index of the content of the second file.
	offset := int64(strings.Index(string(golden.Parts{file("a", a), file("b", b), file("c", c)}.Encode()), b))
	for _, tc := range []struct {
		name   string
		effect clustertest.Effect
		want   []golden.Part // nil means an error
	}{
		{"flipped", clustertest.FlipByte(offset), []golden.Part{file("a", a), file("b", "uwo"), file("c", c)}},
		{"flipped beyond the end", clustertest.FlipByte(1 << 20), []golden.Part{file("a", a), file("b", b), file("c", c)}},
		{"dropped", clustertest.DropBytes(offset, 2), []golden.Part{file("a", a), file("b", "o"), file("c", c)}},
		// Without its delimiter, the first part counts as a preamble.
		{"dropped at the start", clustertest.DropBytes(0, 4), []golden.Part{file("b", b), file("c", c)}},
		{"dropped beyond the end", clustertest.DropBytes(1<<20, 4), []golden.Part{file("a", a), file("b", b), file("c", c)}},
		{"truncated", clustertest.TruncateUpload(offset), nil},
		{"omitted", clustertest.OmitFile(1), []golden.Part{file("a", a), file("c", c)}},
		{"too few to omit", clustertest.OmitFile(3), []golden.Part{file("a", a), file("b", b), file("c", c)}},
		{"doubled", clustertest.DoubleFile(2), []golden.Part{file("a", a), file("b", b), file("c", c), file("c", c)}},
		{"swapped", clustertest.SwapFiles(0, 2), []golden.Part{file("a", c), file("b", b), file("c", a)}},
	} {
		for _, stream := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/stream=%t", tc.name, stream), func(t *testing.T) {
				cluster := clustertest.New(t, clustertest.Options{Peers: 1})
				query := fmt.Sprintf("wrap-with-directory=true&stream-channels=%t", stream)
				call := newCaller(t, cluster.Peer(0))
				var want []api.AddedOutput
				if tc.want != nil {
					want = reported(t, call.add(query, tc.want...))
				}
				defer cluster.Peer(0).Inject(clustertest.Fault{Times: 1, Effect: tc.effect})()
				got := call.add(query, file("a", a), file("b", b), file("c", c))
				if tc.want == nil {
					if got.status == http.StatusOK && got.trailer.Get("X-Stream-Error") == "" {
						t.Errorf("no error: %+v", got)
					}
					return
				}
				if got := reported(t, got); !slices.EqualFunc(got, want, same) {
					t.Errorf("got %v, want %v", got, want)
				}
			})
		}
	}
}

func same(a, b api.AddedOutput) bool { return a.Name == b.Name && a.Cid.Equals(b.Cid) }

// reported returns the outputs of a streamed or buffered add.
func reported(t *testing.T, a answer) []api.AddedOutput {
	t.Helper()
	if strings.HasPrefix(a.body, "[") {
		return one[[]api.AddedOutput](t, a)
	}
	return decode[api.AddedOutput](t, a)
}

// TestItemEffects applies effects to the items of a stream and of an array.
func TestItemEffects(t *testing.T) {
	upload := []golden.Part{file("a", "one"), file("b", "two")}
	for _, tc := range []struct {
		name   string
		effect clustertest.Effect
		want   string // names, the wrapping directory is the last
	}{
		{"omitted", clustertest.OmitItem(1), "a,"},
		{"doubled", clustertest.DoubleItem(0), "a,a,b,"},
		{"too few to omit", clustertest.OmitItem(3), "a,b,"},
		{"one omitted, one doubled", clustertest.Chain(clustertest.OmitItem(0), clustertest.DoubleItem(1)), "b,b,"},
	} {
		for _, stream := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/stream=%t", tc.name, stream), func(t *testing.T) {
				cluster := clustertest.New(t, clustertest.Options{Peers: 1})
				defer cluster.Peer(0).Inject(clustertest.Fault{Times: 1, Effect: tc.effect})()
				call := newCaller(t, cluster.Peer(0))
				var names []string
				for _, o := range reported(t, call.add(fmt.Sprintf("wrap-with-directory=true&stream-channels=%t", stream), upload...)) {
					names = append(names, o.Name)
				}
				if got := strings.Join(names, ","); got != tc.want {
					t.Errorf("got %q, want %q", got, tc.want)
				}
			})
		}
	}
}

// TestAnswerEarly checks what happens to the connection of a request of 8 MiB that
// is answered after 100 KiB.
func TestAnswerEarly(t *testing.T) {
	const size, read = 8 << 20, 100 << 10
	for name, then := range map[string]clustertest.Then{
		"close": clustertest.ThenClose, "drain": clustertest.ThenDrain, "keep open": clustertest.ThenKeepOpen,
	} {
		t.Run(name, func(t *testing.T) {
			cluster := clustertest.New(t, clustertest.Options{Peers: 1})
			cluster.Peer(0).Inject(clustertest.Fault{Effect: clustertest.AnswerEarly(read, "{}\n", then)})
			call := newCaller(t, cluster.Peer(0))
			a, err := call.do(http.MethodPost, "/add", strings.NewReader(strings.Repeat("x", size)))
			// A closed connection with unread data is reset, and may lose the answer.
			if (err != nil || a.status != http.StatusOK || a.body != "{}\n" || a.trailer.Get("X-Stream-Error") != "") && then != clustertest.ThenClose {
				t.Errorf("got %+v, %v", a, err)
			}
			if got := cluster.Peer(0).Requests()[0].BodyBytes; got != read {
				t.Errorf("the peer read %d bytes, want %d", got, read)
			}
		})
	}
}

// TestCheckStored checks the content of a pin, and finds that a block is gone.
func TestCheckStored(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{Peers: 1})
	call := newCaller(t, cluster.Peer(0))
	outputs := reported(t, call.add("wrap-with-directory=true", file("a", "one")))
	root := outputs[1].Cid.Cid
	if err := cluster.CheckStored(root); err != nil {
		t.Error(err)
	}
	if _, err := call.do(http.MethodDelete, "/pins/"+root.String(), nil); err != nil {
		t.Fatal(err)
	}
	if a := call.call(http.MethodPost, "/ipfs/gc"); a.status != http.StatusOK {
		t.Fatal(a)
	}
	if err := cluster.CheckStored(root); err == nil {
		t.Error("no error after a garbage collection")
	}
}
