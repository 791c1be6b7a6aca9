package readme

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
)

// The code of docs/usage.md.

func Example_onePeer() {
	c, err := client.NewDefaultClient(&config.Config{}) // one peer: /ip4/127.0.0.1/tcp/9094
	fmt.Println(err, c.Close())
	// Output: <nil> <nil>
}

func Example_manyPeers() {
	fmt.Println("error:", manyPeers())
	// Output: error: <nil>
}

func manyPeers() error {
	cfgs, err := config.ParseAddrs("/ip4/10.0.0.1/tcp/9094,/ip4/10.0.0.2/tcp/9094,/ip4/10.0.0.3/tcp/9094")
	if err != nil {
		return err
	}
	c, err := lbclient.NewFromConfigs(&strategy.LeastLoaded{}, cfgs, 3) // many peers, up to 3 retries of a call
	if err != nil {
		return err
	}
	return c.Close()
}

func Example_addPaths() {
	c, stop := oneClient()
	defer stop()
	fmt.Println("error:", addPaths(context.Background(), c))
	// Output:
	// QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX site/hello.txt
	// QmNfrJUJxKiiJwEjqhsPJ77hQkeCweUtFBgKcQKhP12d3L site
	// the root is QmNfrJUJxKiiJwEjqhsPJ77hQkeCweUtFBgKcQKhP12d3L
	// error: <nil>
}

func addPaths(ctx context.Context, c client.Client) error {
	added, err := client.AddPaths(ctx, c, []string{"./site"}, nil)
	if err != nil {
		return err
	}
	for _, o := range added.Outputs {
		fmt.Println(o.Cid, o.Name)
	}
	fmt.Println("the root is", added.Root)
	return nil
}

// TestOneLineAdds checks the table of docs/usage.md.
func TestOneLineAdds(t *testing.T) {
	c, stop := oneClient()
	defer stop()
	usage := page(t, "docs/usage.md")
	ctx, data, r, fsys := withProgress(t.Context()), []byte("hello"), strings.NewReader("hello"), os.DirFS("site")
	for call, add := range map[string]func() (*client.Added, error){
		`client.AddReader(ctx, c, "report.pdf", r, nil)`:  func() (*client.Added, error) { return client.AddReader(ctx, c, "report.pdf", r, nil) },
		`client.AddBytes(ctx, c, "hello.txt", data, nil)`: func() (*client.Added, error) { return client.AddBytes(ctx, c, "hello.txt", data, nil) },
		`client.AddFS(ctx, c, "site", fsys, nil)`:         func() (*client.Added, error) { return client.AddFS(ctx, c, "site", fsys, nil) },
	} {
		added, err := add()
		if err != nil || added.Outputs[0].Cid.String() != "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX" || !strings.Contains(usage, "`"+call+"`") {
			t.Errorf("%s: %v, %v", call, added, err)
		}
	}
}

func withProgress(ctx context.Context) context.Context {
	ctx = client.WithProgress(ctx, func(p client.Progress) {
		fmt.Fprintf(os.Stderr, "\r%d of %d bytes stored, sending %s", p.StoredBytes, p.TotalBytes, p.Name)
	})
	return ctx
}

func Example_add() {
	c, stop := oneClient()
	defer stop()
	fmt.Println("error:", add(context.Background(), c))
	// Output:
	// QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX site/hello.txt
	// QmNfrJUJxKiiJwEjqhsPJ77hQkeCweUtFBgKcQKhP12d3L site
	// error: <nil>
}

func add(ctx context.Context, c client.Client) error {
	out := make(chan *api.AddedOutput, 16)
	added := make(chan error, 1)
	go func() { added <- c.Add(ctx, []string{"./site"}, api.DefaultAddParams(), out) }()
	for o := range out {
		fmt.Println(o.Cid, o.Name)
	}
	return <-added
}

func Example_pinAndWait() {
	c, stop := oneClient()
	defer stop()
	ci := cid.MustParse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX")
	err := pinAndWait(context.Background(), c, ci)
	fmt.Println("error:", err)
	// Output:
	// report is pinned
	// error: <nil>
}

func pinAndWait(ctx context.Context, c client.Client, ci cid.Cid) error {
	_, err := c.Pin(ctx, ci, api.PinOptions{Name: "report", ReplicationFactorMin: 2, ReplicationFactorMax: 3})
	if err != nil {
		return err
	}
	info, err := client.WaitFor(ctx, c, client.StatusFilterParams{Cid: ci, Target: api.TrackerStatusPinned, Limit: 2})
	if err != nil {
		return err
	}
	fmt.Println(info.Name, "is pinned")
	return nil
}

func Example_list() {
	c, stop := oneClient()
	defer stop()
	ctx := context.Background()
	ci := cid.MustParse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX")
	_, err := c.Pin(ctx, ci, api.PinOptions{Name: "hello"})
	fmt.Println("error:", errors.Join(err, list(ctx, c), count(ctx, c)))
	// Output:
	// QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX hello
	// 1 pins
	// error: <nil>
}

func count(ctx context.Context, c client.Client) error {
	pins, err := client.Collect(c.Allocations(ctx, api.AllType))
	if err != nil {
		return err
	}
	fmt.Println(len(pins), "pins")
	return nil
}

func list(ctx context.Context, c client.Client) error {
	for pin, err := range c.Allocations(ctx, api.AllType) {
		if err != nil {
			return err
		}
		fmt.Println(pin.Cid, pin.Name)
	}
	return nil
}

func Example_errors() {
	c, stop := oneClient()
	defer stop()
	unpin(context.Background(), c, cid.MustParse("QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX"))
	// Output: was not pinned
}

func unpin(ctx context.Context, c client.Client, ci cid.Cid) {
	_, err := c.Unpin(ctx, ci)
	var e *client.Error
	switch {
	case errors.Is(err, client.ErrNotFound):
		fmt.Println("was not pinned")
	case errors.As(err, &e):
		fmt.Println(e.Op, e.Endpoint, e.Status, e.Message, e.MayHaveExecuted)
	}
}
