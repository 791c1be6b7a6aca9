// Command httponly is measured for its size. It uses both clients, without libp2p.
package main

import (
	"context"
	"fmt"

	"github.com/pinfleet/pinfleet/api"
	"github.com/pinfleet/pinfleet/client"
	"github.com/pinfleet/pinfleet/config"
	"github.com/pinfleet/pinfleet/lbclient"
	"github.com/pinfleet/pinfleet/strategy"
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
