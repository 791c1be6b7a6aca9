package pyxis_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/pinfleet/pinfleet/pyxis"
	"github.com/pinfleet/pinfleet/pyxis/watch"
	"github.com/pinfleet/pinfleet/test/pyxistest"
)

// service starts a service for an example, with three servers on free ports.
func service() (addrs []string, stop func()) {
	s, err := pyxistest.Start(pyxistest.Options{Nodes: 3})
	if err != nil {
		log.Fatal(err)
	}
	return s.Addrs(), func() { s.Close() }
}

// Create a node, wait for a change of it, change and delete it. There is no
// need to wait for the connection, as calls do that.
func Example() {
	addrs, stop := service()
	defer stop()

	c := pyxis.NewClient(addrs, nil)
	defer c.Close()

	if err := c.Create(nil, "/test", []byte("created")); err != nil {
		log.Fatal(err)
	}
	w := &pyxis.Watcher{Done: make(chan *watch.Event, 1)}
	n, err := c.Read(nil, "/test", w)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, version %d\n", n.Data, n.Version)
	if err := c.Write(nil, "/test", []byte("written")); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-w.Done)
	if err := c.Delete(nil, "/test"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(errors.Is(c.Delete(nil, "/test"), pyxis.ErrNotFound))
	// Output:
	// created, version 0
	// Modify /test
	// true
}

// Follow everything below a node, across reconnects and new sessions.
func ExampleClient_Watch() {
	addrs, stop := service()
	defer stop()
	c := pyxis.NewClient(addrs, nil)
	defer c.Close()
	if err := c.Create(nil, "/workers", nil); err != nil {
		log.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for update, err := range c.WithContext(ctx).Watch(&pyxis.WatchOption{Recursive: true}, "/workers") {
		if err != nil {
			log.Fatal(err)
		}
		for _, change := range update.Changes {
			fmt.Println(change)
		}
		workers := len(update.Nodes) - 1
		fmt.Println(workers, "workers")
		if workers == 1 {
			break
		}
		// Announce a worker with a node that is deleted with the session.
		err := c.Create(&pyxis.WriteOption{IsEphemeral: true}, "/workers/w1", []byte("10.0.0.1:80"))
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// Create /workers
	// 0 workers
	// Children /workers
	// Create /workers/w1
	// 1 workers
}

// Limit the time of a call, and distinguish what is known after a failure.
func ExampleClient_WithContext() {
	c := pyxis.NewClient([]string{"127.0.0.1:1"}, nil) // nothing listens there
	defer c.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := c.WithContext(ctx).Write(nil, "/x", []byte("data"))
	switch {
	case errors.Is(err, pyxis.ErrOutcomeUnknown):
		fmt.Println("it may have been written: read it")
	case errors.Is(err, pyxis.ErrConnecting):
		fmt.Println("nothing was sent")
	}
	// Output: nothing was sent
}

// Work for as long as the session is alive.
func ExampleClient_SessionContext() {
	addrs, stop := service()
	defer stop()
	c := pyxis.NewClient(addrs, nil)
	defer c.Close()

	ctx, cancel, err := c.SessionContext()
	if err != nil {
		log.Fatal(err)
	}
	defer cancel()
	if err := c.Unregister(); err != nil {
		log.Fatal(err)
	}
	<-ctx.Done()
	fmt.Println(context.Cause(ctx))
	// Output: session expired
}

// Follow the state of the session. After SessionExpired, announce again
// everything that ephemeral nodes announced. After Suspended, stop everything
// that depends on them.
func ExampleClient_Notify() {
	addrs, stop := service()
	defer stop()
	c := pyxis.NewClient(addrs, nil)
	defer c.Close()

	state := make(chan *watch.Event, 1)
	defer c.Notify(&pyxis.Watcher{Done: state})()
	fmt.Println(<-state)
	_, until := c.Session()
	fmt.Println("certainly alive for some seconds:", time.Until(until) > 2*time.Second)
	if err := c.Unregister(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-state)
	fmt.Println(<-state)
	// Output:
	// Connected
	// certainly alive for some seconds: true
	// SessionExpired
	// Connected
}
