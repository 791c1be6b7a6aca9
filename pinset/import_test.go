package pinset_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/pinset"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

const (
	cidA = "QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ"
	cidB = "bafkreiaowathghm6up4haui7rqmnv24bj2vczhrhmcblebhsvfrccl5vxu"
)

// lines returns a text for each pin and each line that cannot be read.
func lines(t *testing.T, text string, opts api.PinOptions) []string {
	t.Helper()
	var all []string
	for pin, err := range pinset.Import(strings.NewReader(text), opts) {
		var bad *pinset.LineError
		switch {
		case errors.As(err, &bad):
			all = append(all, fmt.Sprint("line ", bad.Line))
		case err != nil:
			t.Error(err)
		default:
			all = append(all, fmt.Sprintf("%s %s %d", pin.Cid, pin.Name, pin.ReplicationFactorMin))
		}
	}
	return all
}

func TestImport(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"nothing":          {"", nil},
		"CIDs":             {cidA + "\n" + cidB + "\n", []string{cidA + "  2", cidB + "  2"}},
		"no last line end": {cidA + "\n" + cidB, []string{cidA + "  2", cidB + "  2"}},
		"comments and empty lines": {"\uFEFF# backup\r\n\r\n  " + cidA + "  \r\n\n#" + cidB + "\n",
			[]string{cidA + "  2"}},
		"paths": {"/ipfs/" + cidA + "\n/ipfs/" + cidB + "/\n/ipfs/" + cidA + "/name\n/ipns/example.com\n",
			[]string{cidA + "  2", cidB + "  2", "line 3", "line 4"}},
		"bad CIDs":     {"x\n" + cidA + "\n" + cidA + " " + cidB + "\n" + cidA[:20] + "\n", []string{"line 1", cidA + "  2", "line 3", "line 4"}},
		"CSV":          {cidA + ",report\n" + cidB + ", \"a, \"\"b\"\"\",x\n", []string{cidA + " report 2", cidB + " a, \"b\" 2"}},
		"columns":      {"Size, Name ,CID\n12,report," + cidA + "\n13,," + cidB + "\n14\n", []string{cidA + " report 2", cidB + "  2", "line 4"}},
		"name first":   {"# songs\nname,cid\n#1 song," + cidA + "\n# end\n", []string{cidA + " #1 song 2", "line 4"}},
		"CID first":    {"cid,name\n# half," + cidA + "\n" + cidB + ",#1\n", []string{cidB + " #1 2"}},
		"too many":     {"cid,name\n" + cidA + ",Hello, world\n" + cidB + ",Hello,,\n", []string{"line 2", cidB + " Hello 2"}},
		"Latin-1":      {"# \xfc\n" + cidA + ",\xfc\n" + `{"cid":"` + cidB + "\",\"name\":\"\xfc\"}\n" + cidB + ",ü\n", []string{"line 2", "line 3", cidB + " ü 2"}},
		"one column":   {"cid\n" + cidA + "\n", []string{cidA + "  2"}},
		"bad CSV":      {cidA + ",\"x\n" + cidB + ",y\n,z\n", []string{"line 1", cidB + " y 2", "line 3"}},
		"late columns": {cidA + ",x\ncid,name\n", []string{cidA + " x 2", "line 2"}},
		"JSON": {`{"cid":"` + cidA + `","name":"n","replication_factor_min":3,"type":"pin"}` + "\n" + `{"cid":{"/":"` + cidB + `"},"type":2}` + "\n",
			[]string{cidA + " n 3", cidB + "  0"}},
		"bad JSON": {`{"cid":"` + cidA + `"` + "\n" + `{"name":"n"}` + "\n" + `{"cid":"x"}` + "\n" + `{"cid":"` + cidA + `","type":"?"}` + "\n" + cidB,
			[]string{"line 1", "line 2", "line 3", "line 4", cidB + "  2"}},
		"long lines": {`{"cid":"` + cidA + `","name":"` + strings.Repeat("x", 5<<20) + "\"}\n" + cidA + "\n" + cidA + strings.Repeat(" ", 5<<20), []string{"line 1", cidA + "  2", "line 3"}},
	} {
		if got := lines(t, test.text, api.PinOptions{ReplicationFactorMin: 2}); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// An error of the reader ends the import, with the number of the line.
func TestImportOfABrokenReader(t *testing.T) {
	broken := errors.New("disk is broken")
	r := iotest.TimeoutReader(strings.NewReader(cidA + "\n" + cidB + "\n"))
	pins, errs := collect(pinset.Import(iotest.OneByteReader(r), api.PinOptions{}))
	if len(pins) > 0 || len(errs) != 1 || !errors.Is(errs[0], iotest.ErrTimeout) {
		t.Errorf("%d pins, errors %v", len(pins), errs)
	}
	pins, errs = collect(pinset.Import(iotest.ErrReader(broken), api.PinOptions{}))
	if len(pins) > 0 || len(errs) != 1 || !errors.Is(errs[0], broken) || !strings.Contains(errs[0].Error(), "line 1") {
		t.Errorf("%d pins, errors %v", len(pins), errs)
	}
}

// What Import has read cannot be read again: a second loop is an error and not a source
// without pins, for which Sync would delete the whole pinset.
func TestImportIsUsedTwice(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	c := balanced(t, cluster)
	collect(pinset.Pin(t.Context(), c, testPins(10)))
	backup := pinset.Import(strings.NewReader(exported(t, cluster)), api.PinOptions{})
	if changes, errs := collect(pinset.Diff(t.Context(), c, backup)); len(changes)+len(errs) > 0 {
		t.Errorf("differences %v, errors %v", changes, errs)
	}
	changes, errs := collect(pinset.Sync(t.Context(), c, backup, pinset.WithDelete(), pinset.WithMaxDelete(1)))
	if len(changes) > 0 || len(errs) != 2 || len(cluster.Pinset()) != 10 {
		t.Errorf("%d pins are left; changes %v, errors %v", len(cluster.Pinset()), changes, errs)
	}
}

// The errors of lines are one line of bounded length, whatever the text.
func TestLineErrors(t *testing.T) {
	_, errs := collect(pinset.Import(strings.NewReader("\x1b[31m"+strings.Repeat("ä\u0000", 100_000)+"\n"), api.PinOptions{}))
	if len(errs) != 1 {
		t.Errorf("errors %v", errs)
	}
	for _, err := range errs {
		if text := err.Error(); len(text) > 2000 || strings.ContainsAny(text, "\x1b\x00\n") {
			t.Errorf("%d bytes: %q", len(text), text[:min(len(text), 200)])
		}
	}
}

// The error of a line does not hold the line in memory, which may have 4 MiB.
func TestLineErrorsAreSmall(t *testing.T) {
	const n, size = 32, 1 << 20
	text := io.Reader(strings.NewReader(""))
	for range n {
		text = io.MultiReader(text, strings.NewReader("x"), io.LimitReader(dots{}, size), strings.NewReader("\n"))
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	_, errs := collect(pinset.Import(text, api.PinOptions{}))
	if held := int64(heap() - before); len(errs) != n || held > n*size/4 {
		t.Errorf("%d errors hold %d bytes", len(errs), held)
	}
	runtime.KeepAlive(errs)
}

// dots is a text without an end.
type dots struct{}

func (dots) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '.'
	}
	return len(b), nil
}

// What is exported is imported as it was, and the text is the same when it is exported again.
func TestExportAndImport(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cluster := clustertest.New(t, clustertest.Options{ReplicationFactorMin: 1, ReplicationFactorMax: 2})
		c := balanced(t, cluster)
		reference := testCid(2000)
		for _, pin := range pins(drawPins(rt, "pins")) {
			pin.Type = rapid.SampledFrom([]api.PinType{api.DataType, api.DataType, api.ShardType}).Draw(rt, "type")
			if pin.Type == api.ShardType {
				pin.MaxDepth, pin.Reference = 1, &reference
			}
			cluster.SeedPin(*pin)
		}
		var first, second bytes.Buffer
		n, err := pinset.Export(rt.Context(), c, &first)
		if err != nil || n != len(cluster.Pinset()) || strings.Count(first.String(), "\n") != n {
			rt.Fatalf("%d pins exported, want %d; %v", n, len(cluster.Pinset()), err)
		}
		restored := clustertest.New(t, clustertest.Options{ReplicationFactorMin: 1, ReplicationFactorMax: 2})
		imported, errs := collect(pinset.Import(&first, api.PinOptions{Name: "unused"}))
		if len(errs) > 0 {
			rt.Fatal(errs)
		}
		want := map[string]api.Pin{}
		for _, pin := range cluster.Pinset() {
			want[pin.Cid.String()] = pin
		}
		for _, pin := range imported {
			if w := want[pin.Cid.String()]; !pin.Equals(w) || !pin.Timestamp.Equal(w.Timestamp) {
				rt.Errorf("imported %v, want %v", pin, w)
			}
			restored.SeedPin(*pin)
		}
		text := exported(t, cluster)
		if _, err := pinset.Export(rt.Context(), balanced(t, restored), &second); err != nil || second.String() != text {
			rt.Errorf("%v\n%s\nis not\n%s", err, second.String(), text)
		}
	})
}

func exported(t *testing.T, cluster *clustertest.Cluster) string {
	t.Helper()
	var text bytes.Buffer
	if _, err := pinset.Export(t.Context(), balanced(t, cluster), &text); err != nil {
		t.Error(err)
	}
	return text.String()
}

// A listing that breaks, or a writer, is an error.
func TestExportFails(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	cluster.Seed(1000)
	c := balanced(t, cluster)
	full := errors.New("disk is full")
	if n, err := pinset.Export(t.Context(), c, writerFunc(func([]byte) (int, error) { return 0, full })); !errors.Is(err, full) {
		t.Errorf("%d pins, %v", n, err)
	}
	cluster.InjectAll(clustertest.Fault{Route: "GET /allocations", Effect: clustertest.CutAfterItems(10)})
	var text bytes.Buffer
	if n, err := pinset.Export(t.Context(), c, &text); err == nil {
		t.Errorf("%d pins and no error", n)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// A backup of a cluster restores its pinset in another one.
func TestBackupAndRestore(t *testing.T) {
	cluster := clustertest.New(t, clustertest.Options{})
	cluster.Seed(100)
	backup := strings.NewReader(exported(t, cluster))
	restored := clustertest.New(t, clustertest.Options{})
	if _, errs := collect(pinset.Sync(t.Context(), balanced(t, restored), pinset.Import(backup, api.PinOptions{}))); len(errs) > 0 {
		t.Error(errs)
	}
	if !maps.Equal(stored(restored), stored(cluster)) {
		t.Error("the pinsets differ")
	}
}

func FuzzImport(f *testing.F) {
	for _, text := range []string{cidA, "cid,name\n" + cidA + ",\"x\"", `{"cid":"` + cidB + `"}`, "\uFEFF#\n\n\"", "{\n,\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		for pin, err := range pinset.Import(strings.NewReader(text), api.PinOptions{}) {
			var bad *pinset.LineError
			switch {
			case errors.As(err, &bad):
				if pin != nil || bad.Line <= last {
					t.Errorf("pin %v with the error of line %d after line %d", pin, bad.Line, last)
				}
				last = bad.Line
			case err != nil || !pin.Cid.Defined():
				t.Errorf("pin %v, error %v", pin, err)
			}
		}
	})
}
