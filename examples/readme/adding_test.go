package readme

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

// The code of docs/adding.md.

func Example_addLocal() {
	c, stop := oneClient()
	defer stop()
	err := addLocal(context.Background(), c, "./site")
	fmt.Println("error:", err)
	// Output:
	// two peers have QmNfrJUJxKiiJwEjqhsPJ77hQkeCweUtFBgKcQKhP12d3L
	// error: <nil>
}

func addLocal(ctx context.Context, c client.Client, path string) error {
	params := api.DefaultAddParams()
	params.Local = true
	added, err := client.AddPaths(ctx, c, []string{path}, params)
	if err != nil {
		return err
	}
	_, err = client.WaitFor(ctx, c, client.StatusFilterParams{Cid: added.Root, Target: api.TrackerStatusPinned, Limit: 2})
	if err != nil {
		return err
	}
	fmt.Println("two peers have", added.Root)
	return nil
}

func Example_addCAR() {
	c, stop := oneClient()
	defer stop()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	defer chdir(dir)()
	// The CAR of one block, "hello".
	root := cid.MustParse("bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq")
	header := "\xa2eroots\x81\xd8\x2a\x58\x25\x00" + root.KeyString() + "gversion\x01"
	block := root.KeyString() + "hello"
	car := string(rune(len(header))) + header + string(rune(len(block))) + block
	if err := os.WriteFile(filepath.Join(dir, "site.car"), []byte(car), 0o600); err != nil {
		panic(err)
	}
	fmt.Println("error:", addCAR(context.Background(), c))
	// Output:
	// the root of the CAR is bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq
	// error: <nil>
}

// chdir changes the working directory, and returns a function that changes it back.
func chdir(dir string) (back func()) {
	was, err := os.Getwd()
	if err == nil {
		err = os.Chdir(dir)
	}
	if err != nil {
		panic(err)
	}
	return func() { _ = os.Chdir(was) }
}

func addCAR(ctx context.Context, c client.Client) error {
	params := api.DefaultAddParams()
	params.Format = "car"
	added, err := client.AddPaths(ctx, c, []string{"site.car"}, params)
	if err != nil {
		return err
	}
	fmt.Println("the root of the CAR is", added.Root)
	return nil
}

func Example_addReader() {
	c, stop := oneClient()
	defer stop()
	added, err := addReader(context.Background(), c, strings.NewReader("hello"))
	fmt.Println(added.Root, err)
	// Output: QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX <nil>
}

func addReader(ctx context.Context, c client.Client, r io.Reader) (*client.Added, error) {
	added, err := client.AddReader(ctx, c, "report.txt", r, nil)
	return added, err
}

func Example_wrongPins() {
	cluster, err := clustertest.Start(clustertest.Options{Peers: 2})
	if err != nil {
		panic(err)
	}
	defer cluster.Close()
	var cfgs []*config.Config
	for _, p := range cluster.Peers() {
		cfgs = append(cfgs, &config.Config{APIAddr: p.Addr()})
	}
	c, err := lbclient.NewLBClient(&strategy.Failover{}, cfgs, 1)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	ctx := context.Background()
	// Every peer loses the only file.
	cluster.InjectAll(clustertest.Fault{Route: "POST /add", Effect: clustertest.OmitFile(0)})
	_, err = client.AddPaths(ctx, c, []string{"./site"}, nil)
	fmt.Println("mismatch:", errors.Is(err, client.ErrContentMismatch))
	fmt.Println("error:", removeWrongPins(ctx, c, err))
	fmt.Println("pins left:", len(cluster.Pinset()))
	// Output:
	// mismatch: true
	// not pinned: QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn
	// not pinned: QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn
	// error: <nil>
	// pins left: 0
}

func removeWrongPins(ctx context.Context, c client.Client, err error) error {
	failures := []error{err}
	var all *lbclient.AttemptsError
	if errors.As(err, &all) {
		failures = all.Unwrap() // the error of each attempt
	}
	for _, failure := range failures {
		var wrong *client.MismatchError
		if !errors.As(failure, &wrong) || !wrong.Pinned.Defined() {
			continue
		}
		_, err := c.Unpin(ctx, wrong.Pinned)
		if err != nil && !errors.Is(err, client.ErrNotFound) { // several peers may have pinned the same
			return err
		}
		fmt.Println("not pinned:", wrong.Pinned)
	}
	return nil
}
