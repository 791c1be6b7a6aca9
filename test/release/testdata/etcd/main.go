// Command program uses contrib/etcd like a user's program. It has no etcd, so it
// prints what a source without a client says.
package main

import (
	"context"
	"fmt"

	"github.com/pinfleet/pinfleet/contrib/etcd"
	"github.com/pinfleet/pinfleet/discovery"
)

func main() {
	var src discovery.Source = &etcd.Source{Prefix: "/peers"}
	fmt.Println(src.Watch(context.Background(), nil))
}
