// Package strategy chooses the client for each attempt of a load balancer's calls.
//
// # Built-in strategies
//
//   - [Failover] sends all calls to the first client that is available.
//   - [RoundRobin] picks the clients in turn.
//   - [Weighted] picks the clients in turn, in proportion to their weights.
//   - [LeastLoaded] prefers clients that respond fast and have few attempts in
//     flight.
//   - [Sticky] sends all calls about one CID or path to the same client.
//
// A strategy value must not be shared between load balancers.
//
// Numbers such as U41 refer to faults of upstream, the client inside ipfs-cluster
// v1.1.6. They are listed in docs/upstream-faults.md in this module's repository.
//
// # Retries
//
// A strategy that implements [Picker] knows which clients a call was already sent
// to. The built-in strategies never send a retry to one of them while an untried
// client is left. When all clients were tried, they pick the one that was tried
// least recently.
//
// # Writing a strategy
//
// A strategy implements [LBStrategy]. It may also implement [Picker] to see the
// operation, its key and its earlier attempts, and [Observer] to learn how
// attempts end. The clients implement [Weigher]. A strategy need not care about
// health: the load balancer removes ejected clients from the list that it passes
// to SetClients.
package strategy
