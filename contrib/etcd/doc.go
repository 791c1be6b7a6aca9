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
// so any program can announce: put such a key with a lease, and keep the lease
// alive.
//
// # While etcd is away
//
// An etcd that cannot be reached changes nothing for callers: the endpoints that
// were reported last stay in use, and the load balancer ejects those that fail.
// Announcements expire meanwhile on the side of etcd if it is up and only the
// announcing process is cut off. Such a process announces again as soon as it
// reaches etcd.
package etcd
