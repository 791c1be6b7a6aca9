package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/pinfleet/pinfleet/test/clustertest"
)

// portsPerPeer is the distance between the ports of two peers.
const portsPerPeer = 100

// serveIPFS serves the IPFS proxy of each peer until stop is called. addrs are the
// multiaddrs of the proxies. The proxy of peer i listens on basePort+100*i+1.
func serveIPFS(cluster *clustertest.Cluster, basePort int) (addrs []string, stop func(), err error) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v0/cat", func(w http.ResponseWriter, r *http.Request) { cat(cluster, w, r) })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	var serving sync.WaitGroup
	stop = func() {
		server.Close()
		serving.Wait()
	}
	for i := range cluster.Peers() {
		port := basePort + portsPerPeer*i + 1
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			stop()
			return nil, nil, err
		}
		serving.Go(func() { _ = server.Serve(listener) }) // ends with stop
		addrs = append(addrs, fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", port))
	}
	return addrs, stop, nil
}

// cat answers a request of the RPC API of IPFS for the content of a file.
func cat(cluster *clustertest.Cluster, w http.ResponseWriter, r *http.Request) {
	ci, err := cid.Decode(r.FormValue("arg"))
	if err != nil {
		sendIPFSError(w, http.StatusBadRequest, fmt.Errorf("argument %q: %w", r.FormValue("arg"), err))
		return
	}
	content, err := cluster.ReadFile(ci)
	if err != nil {
		sendIPFSError(w, http.StatusInternalServerError, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write(content) // an error means that the client is gone
}

func sendIPFSError(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"Message": err.Error(), "Code": 0, "Type": "error"})
}
