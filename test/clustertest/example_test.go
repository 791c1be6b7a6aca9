package clustertest_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/pinfleet/pinfleet/test/clustertest"
)

// A cluster of two peers. The second peer cuts its first listing after three items.
func Example() {
	c, err := clustertest.Start(clustertest.Options{Peers: 2, Listen: clustertest.Memory})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	c.Seed(10)
	c.Peer(1).Inject(clustertest.Fault{
		Route:  "GET /pins",
		Times:  1,
		Effect: clustertest.CutAfterItems(3),
	})

	// Any HTTP client works. Over memory it needs the peer's dialer.
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		return c.Peer(1).DialContext(ctx, network, addr)
	}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for range 2 {
		resp, err := client.Get("http://peer1/pins")
		if err != nil {
			fmt.Println(err)
			return
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		fmt.Println(resp.Status, err)
	}
	fmt.Println(c.Peer(1).Count("GET /pins"), "listings")
	// Output:
	// 200 OK unexpected EOF
	// 200 OK <nil>
	// 2 listings
}
