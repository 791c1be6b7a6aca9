package recipe_test

import (
	"context"
	"fmt"
	"log"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/recipe"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

func connect() (*pyxis.Client, func()) {
	service, err := pyxistest.Start(pyxistest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	c := pyxis.NewClient(service.Addrs(), nil)
	return c, func() {
		_ = c.Close()
		_ = service.Close()
	}
}

// The protected work runs under the lock's context, which ends before another
// client can acquire the lock.
func ExampleAcquire() {
	c, closeAll := connect()
	defer closeAll()
	ctx := context.Background()

	lock, err := recipe.Acquire(ctx, c, "/locks/garbage-collection", []byte("worker-1"))
	if err != nil {
		log.Fatal(err)
	}
	held, cancel := lock.Context(ctx)
	defer cancel()
	fmt.Println("collecting, lost:", held.Err() != nil)
	fmt.Println(lock.Release())
	// Output:
	// collecting, lost: false
	// <nil>
}

func ExampleElect() {
	c, closeAll := connect()
	defer closeAll()
	err := recipe.Elect(context.Background(), c, "/leader", []byte("worker-1"), func(ctx context.Context) error {
		for leader, err := range recipe.Holders(ctx, c, "/leader") {
			if err != nil {
				return err
			}
			fmt.Printf("%s leads\n", leader)
			break
		}
		return nil // resign
	})
	fmt.Println(err)
	// Output:
	// worker-1 leads
	// <nil>
}

func ExampleAnnounce() {
	c, closeAll := connect()
	defer closeAll()
	a, err := recipe.Announce(context.Background(), c, "/workers/w1", []byte("10.0.0.1:80"), nil)
	if err != nil {
		log.Fatal(err)
	}
	n, err := c.Read(nil, "/workers/w1", nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s ephemeral %v\n", n.Data, n.IsEphemeral())
	fmt.Println(a.Close())
	// Output:
	// 10.0.0.1:80 ephemeral true
	// <nil>
}
