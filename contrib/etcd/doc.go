// Package etcd finds the endpoints of a cluster in etcd. [Announce] keeps an
// endpoint announced as long as its process lives, and [Source] reports what is
// announced to a load balancer:
//
//	ec, err := clientv3.New(clientv3.Config{Endpoints: []string{"127.0.0.1:2379"}})
//	…
//	src := &etcd.Source{Client: ec, Prefix: "/clusters/main/peers"}
//	c, err := lbclient.NewFromSource(ctx, &strategy.RoundRobin{}, src, 2)
//
// The value of a key is the JSON of a [discovery.Endpoint], as in the registry of
// pyxis:
//
//	{"addr":"/ip4/10.0.0.1/tcp/9094","weight":2}
//
// So any program can announce an endpoint: it puts such a key with a lease, and
// keeps the lease alive.
//
// # While etcd cannot be reached
//
// Calls go on while a program cannot reach etcd: the endpoints that were reported
// last stay in use, and the load balancer ejects those that fail. If only an
// announcing process is cut off from etcd, its announcement expires, and the
// process announces again as soon as it reaches etcd. After failures, Source and
// Announce make the client try to connect every few seconds, because gRPC would wait
// for up to two minutes.
package etcd
