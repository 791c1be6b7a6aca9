// Command libp2p is measured for its size. It is httponly plus libp2p.
package main

import (
	"context"
	"fmt"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
	_ "github.com/pinfleet/pinfleet/transport/p2p" // for /p2p/ addresses
)

func main() {
	one, err := client.NewDefaultClient(&config.Config{})
	fmt.Println(one, err)
	c, err := lbclient.NewLBClient(&strategy.Failover{}, []*config.Config{{}}, 3)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	fmt.Println(c.Add(context.Background(), []string{"."}, api.DefaultAddParams(), nil))
}
