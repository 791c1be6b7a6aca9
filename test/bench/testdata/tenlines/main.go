// Command tenlines uses the types that the Client interface names, and
// net/http: nothing lighter can have that interface.
package main

import (
	"fmt"
	"net/http"

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
	fmt.Println(http.Post("http://127.0.0.1", "multipart/form-data", body))
}
