package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client/internal/documents"
	"github.com/pinfleet/pinfleet/internal/ctxerr"
)

// RepoGC implements Client.
func (c *defaultClient) RepoGC(ctx context.Context, loc bool) (*api.GlobalRepoGC, error) {
	r, err := c.send(ctx, &request{op: OpRepoGC, method: http.MethodPost, path: "/ipfs/gc", query: local(loc)})
	if err != nil {
		return nil, err
	}
	defer r.close()
	g := &gcReport{src: &bounded{r: r}}
	g.dec = json.NewDecoder(g.src)
	report, err := g.read()
	if err != nil {
		return nil, r.brokenError(err)
	}
	return report, nil
}

// gcReport decodes the report of a garbage collection while it arrives. The
// report names every block that was removed, so gcReport keeps only the keys that
// fit into maxGCKeys.
type gcReport struct {
	src  *bounded
	dec  *json.Decoder
	used int // memory, in bytes
}

// maxGCKeys is the maximum memory for keys, in bytes. The rest of maxCollected is
// for the other parts of the report.
const maxGCKeys = maxCollected / 4 * 3

// minKeyMemory is the memory of a key that is null, in bytes: its place in the
// slice, and in the slices from which append copied it.
const minKeyMemory = 96

// maxGCValue is the maximum size of one value of a report, such as a key or an
// error text, in bytes.
const maxGCValue = 64 << 10

// bounded reads the body of a response. It fails if more than left bytes are read
// before left is set again. It also fails once the exchange's context has ended.
type bounded struct {
	r    *response
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	switch {
	case b.r.ctx.Err() != nil:
		return 0, ctxerr.Of(b.r.ctx)
	case b.left <= 0:
		return 0, fmt.Errorf("a value of more than %d KiB", maxGCValue>>10)
	}
	n, err := b.r.Body.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// read decodes the whole report.
func (g *gcReport) read() (*api.GlobalRepoGC, error) {
	report := &api.GlobalRepoGC{}
	named := false
	err := g.object(func(field string) error {
		if !strings.EqualFold(field, "peer_map") {
			return g.skip()
		}
		return g.object(func(key string) error {
			p, err := g.peer()
			if err != nil {
				return err
			}
			if report.PeerMap == nil {
				report.PeerMap = make(map[string]api.RepoGC)
			}
			report.PeerMap[strings.Clone(key)] = p
			_, err = peer.Decode(key)
			named = named || err == nil || p.Peer != ""
			return g.use(len(key) + itemOverhead)
		})
	})
	if err != nil {
		return nil, err
	}
	if !named {
		return nil, errors.New("this is not what a cluster peer answers: it names no peer")
	}
	g.src.left = maxGCValue
	if _, err := g.dec.Token(); err != io.EOF {
		return nil, errors.New("data behind the end of the report")
	}
	return report, nil
}

// peer decodes the report of one peer.
func (g *gcReport) peer() (api.RepoGC, error) {
	var p api.RepoGC
	err := g.object(func(field string) error {
		switch strings.ToLower(field) {
		case "peer":
			var text string
			err := g.value(&text)
			p.Peer = api.DecodePeerID(text) // which keeps any text
			return errors.Join(err, g.use(len(text)))
		case "peername":
			return errors.Join(g.value(&p.Peername), g.use(len(p.Peername)))
		case "error":
			return errors.Join(g.value(&p.Error), g.use(len(p.Error)))
		case "keys":
			return g.keys(&p)
		}
		return g.skip()
	})
	return p, err
}

// keys decodes the keys of p. It counts the keys that exceed maxGCKeys in
// p.Omitted.
func (g *gcReport) keys(p *api.RepoGC) error {
	return g.inside('[', func() error {
		var raw json.RawMessage
		if err := g.value(&raw); err != nil {
			return err
		}
		if g.used > maxGCKeys {
			p.Omitted++
			return nil
		}
		if err := g.use(max(minKeyMemory, documents.Memory(raw))); err != nil {
			return err
		}
		var key api.IPFSRepoGC
		err := json.Unmarshal(raw, &key)
		p.Keys = append(p.Keys, key)
		return err
	})
}

// use adds n bytes of memory, and fails above maxCollected.
func (g *gcReport) use(n int) error {
	if g.used+n > maxCollected {
		return fmt.Errorf("a report that takes more than %d MiB of memory", maxCollected>>20)
	}
	g.used += n
	return nil
}

// object decodes an object or null. It calls field for each key, and field must
// decode the value.
func (g *gcReport) object(field func(key string) error) error {
	return g.inside('{', func() error {
		key, err := g.token()
		if err != nil {
			return err
		}
		return field(key.(string)) // the decoder accepts only strings as keys
	})
}

// inside decodes an object or array that starts with begin, or null. It calls
// element once for each element, and the function must decode that element.
func (g *gcReport) inside(begin json.Delim, element func() error) error {
	t, err := g.token()
	if err != nil || t == nil {
		return err
	}
	if t != begin {
		return fmt.Errorf("this is not what a cluster peer answers: %v in place of %v", t, begin)
	}
	for g.more() {
		if err := element(); err != nil {
			return err
		}
	}
	_, err = g.token() // the closing bracket
	return err
}

// more reports whether the current array or object has another element.
func (g *gcReport) more() bool {
	g.src.left = maxGCValue
	return g.dec.More()
}

func (g *gcReport) token() (json.Token, error) {
	g.src.left = maxGCValue
	return g.dec.Token()
}

func (g *gcReport) value(v any) error {
	g.src.left = maxGCValue
	return g.dec.Decode(v)
}

func (g *gcReport) skip() error {
	var ignored json.RawMessage
	return g.value(&ignored)
}
