// Command floor is tenlines plus what any client of a cluster needs from the
// standard library: an injected logger, JSON, TLS with client certificates,
// traced requests, and resolved paths.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"time"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

func main() {
	fmt.Println(peer.Decode("x"))
	fmt.Println(multiaddr.NewMultiaddr("/ip4/127.0.0.1"))
	fmt.Println(cid.Decode("x"))
	body := files.NewMultiFileReader(files.NewMapDirectory(nil), true, false)

	slog.New(slog.DiscardHandler).Warn("x", "y", 1)
	var v struct{ Version string }
	fmt.Println(json.Unmarshal([]byte("{}"), &v))
	fmt.Println(json.Marshal(v))
	cert, err := tls.LoadX509KeyPair("x", "y")
	fmt.Println(err)
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		Certificates:       []tls.Certificate{cert},
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
	}}
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {}})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1", body)
	fmt.Println(err)
	fmt.Println((&http.Client{Transport: transport}).Do(req))
	fmt.Println(filepath.Abs("."))
	fmt.Println(filepath.EvalSymlinks("."))
	fmt.Println(time.ParseDuration("1s"))
}
