package debug_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/lbclient/debug"
	"github.com/pinfleet/pinfleet/strategy"
	"github.com/pinfleet/pinfleet/test/clustertest"
)

func Example() {
	cluster, err := clustertest.Start(clustertest.Options{Peers: 3})
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	var clients []client.Client
	for _, p := range cluster.Peers() {
		c, err := client.NewDefaultClient(&config.Config{APIAddr: p.Addr()})
		if err != nil {
			log.Fatal(err)
		}
		clients = append(clients, c)
	}

	h := debug.New()
	lb, err := lbclient.New(&strategy.Failover{}, clients, 3, lbclient.WithHooks(h))
	if err != nil {
		log.Fatal(err)
	}
	defer lb.Close()
	h.Watch(lb)
	mux := http.NewServeMux()
	mux.Handle("/debug/pinfleet/", h) // on a server that only operators can reach
	server := httptest.NewServer(mux)
	defer server.Close()

	cluster.Peer(0).Stop()
	if _, err := lb.ID(context.Background()); err != nil { // the second peer responds
		log.Fatal(err)
	}

	resp, err := server.Client().Get(server.URL + "/debug/pinfleet/?format=json")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	var snapshot debug.Snapshot
	if err := json.NewDecoder(resp.Body).Decode(&snapshot); err != nil {
		log.Fatal(err)
	}
	for i, e := range snapshot.Endpoints {
		fmt.Println("peer", i, e.State)
	}
	for _, e := range snapshot.Events {
		if e.Endpoint == snapshot.Endpoints[0].Endpoint && e.Kind == debug.Ejected {
			fmt.Println("peer 0 was", e.Kind)
		}
	}
	// Output:
	// peer 0 ejected
	// peer 1 admitted
	// peer 2 admitted
	// peer 0 was ejected
}
