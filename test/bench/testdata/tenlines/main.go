// Command tenlines uses the types in the Client interface, and net/http. No
// program with that interface can be smaller.
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
