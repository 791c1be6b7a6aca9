package hostile

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/internal/hostile"
)

// A method of client.Client that asks a peer for something.
type method struct {
	reflect.Method
	op client.Op
}

// adds reports whether the method uploads hostile.Directory.
func (m method) adds() bool { return m.op == client.OpAdd || m.op == client.OpAddMultiFile }

var (
	errorType   = reflect.TypeFor[error]()
	contextType = reflect.TypeFor[context.Context]()
	outputsType = reflect.TypeFor[chan<- *api.AddedOutput]()
)

// methods returns every method of client.Client but Close, which asks for
// nothing. It fails the test for a method that it cannot call, or whose result
// it cannot judge.
func methods(t *testing.T) []method {
	t.Helper()
	var all []method
	for m := range reflect.TypeFor[client.Client]().Methods() {
		if m.Name == "Close" {
			continue
		}
		all = append(all, method{m, client.Op(m.Name)})
		if m.Type.NumIn() == 0 || m.Type.In(0) != contextType {
			t.Fatalf("%s has no context", m.Name)
		}
		for i := range m.Type.NumIn() {
			if in := m.Type.In(i); in != contextType && in != outputsType && arguments[in] == nil {
				t.Fatalf("%s: no argument of type %s is known: add one", m.Name, in)
			}
		}
		n := m.Type.NumOut()
		switch {
		case n > 0 && m.Type.Out(n-1) == errorType:
		case isList(m.Type):
		default:
			t.Fatalf("%s: its results do not show whether it has failed", m.Name)
		}
	}
	if len(all) < 27 {
		t.Fatalf("only %d methods", len(all))
	}
	return all
}

// isList reports whether a method returns nothing but an iter.Seq2[T, error].
func isList(typ reflect.Type) bool {
	return typ.NumOut() == 1 && typ.Out(0).Kind() == reflect.Func && typ.Out(0).CanSeq2() && typ.Out(0).In(0).In(1) == errorType
}

// arguments makes an argument of each type.
var arguments = map[reflect.Type]func(t *testing.T) any{
	reflect.TypeFor[cid.Cid](): func(*testing.T) any { return cid.MustParse(hostile.CID) },
	reflect.TypeFor[[]cid.Cid](): func(*testing.T) any {
		return []cid.Cid{cid.MustParse(hostile.CID)}
	},
	reflect.TypeFor[peer.ID](): func(t *testing.T) any {
		id, err := peer.Decode(hostile.Peer)
		if err != nil {
			t.Fatal(err)
		}
		return id
	},
	reflect.TypeFor[string]():            func(*testing.T) any { return hostile.CID }, // a path, and it may name a metric
	reflect.TypeFor[bool]():              func(*testing.T) any { return false },
	reflect.TypeFor[api.PinOptions]():    func(*testing.T) any { return api.PinOptions{Name: "hostile"} },
	reflect.TypeFor[api.PinType]():       func(*testing.T) any { return api.AllType },
	reflect.TypeFor[api.TrackerStatus](): func(*testing.T) any { return api.TrackerStatusUndefined },
	reflect.TypeFor[*api.AddParams]():    func(*testing.T) any { return api.DefaultAddParams() },
	reflect.TypeFor[[]string](): func(t *testing.T) any {
		dir := filepath.Join(t.TempDir(), hostile.Directory)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, f := range hostile.Files() {
			if err := os.WriteFile(filepath.Join(dir, f.Name), []byte(f.Content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return []string{dir}
	},
	reflect.TypeFor[*files.MultiFileReader](): func(*testing.T) any {
		var entries []files.DirEntry
		for _, f := range hostile.Files() {
			entries = append(entries, files.FileEntry(f.Name, files.NewBytesFile([]byte(f.Content))))
		}
		dir := files.NewSliceDirectory([]files.DirEntry{files.FileEntry(hostile.Directory, files.NewSliceDirectory(entries))})
		return files.NewMultiFileReader(dir, true, false)
	},
}

// fixed are the arguments that all calls can share.
func fixed(t *testing.T) map[reflect.Type]func(*testing.T) any {
	paths := arguments[reflect.TypeFor[[]string]()](t)
	shared := make(map[reflect.Type]func(*testing.T) any, len(arguments))
	for typ, make := range arguments {
		shared[typ] = make
	}
	shared[reflect.TypeFor[[]string]()] = func(*testing.T) any { return paths }
	return shared
}

// call calls the method at c, reads what it returns to the end, and returns its
// error. outputs is the number of outputs of an add that name a CID.
func (m method) call(ctx context.Context, t *testing.T, c client.Client, args map[reflect.Type]func(*testing.T) any) (outputs int, err error) {
	in := make([]reflect.Value, 0, m.Type.NumIn())
	drained := make(chan int, 1)
	drained <- 0
	for i := range m.Type.NumIn() {
		switch typ := m.Type.In(i); typ {
		case contextType:
			in = append(in, reflect.ValueOf(ctx))
		case outputsType:
			out := make(chan *api.AddedOutput)
			in = append(in, reflect.ValueOf((chan<- *api.AddedOutput)(out)))
			<-drained
			go func() {
				n := 0
				for o := range out {
					if o.Cid.Defined() {
						n++ // the others are progress
					}
				}
				drained <- n
			}()
		default:
			in = append(in, reflect.ValueOf(args[typ](t)))
		}
	}
	results := reflect.ValueOf(c).MethodByName(m.Name).Call(in)
	outputs = <-drained // the channel was closed
	if isList(m.Type) {
		return outputs, iterate(results[0].Seq2())
	}
	err, _ = results[len(results)-1].Interface().(error)
	for _, r := range results[:len(results)-1] {
		if err != nil && !r.IsZero() {
			return outputs, fmt.Errorf("a result and an error: %w", err)
		}
	}
	return outputs, err
}

// iterate reads a list to its end, and returns the error behind it.
func iterate(list iter.Seq2[reflect.Value, reflect.Value]) error {
	for _, v := range list {
		if err, _ := v.Interface().(error); err != nil {
			return err
		}
	}
	return nil
}
