package strategy

import "github.com/pinfleet/pinfleet/client"

// Failover asks the clients in configured order: the first that is admitted,
// then the next, and so on. A peer that was ejected for its failures is not
// in the list, so that it is not dialled again by each call (U41).
//
// The zero value is ready to use, for one load balancer. It is safe for
// concurrent use.
type Failover struct {
	clients clientList
}

// SetClients implements LBStrategy.
func (f *Failover) SetClients(clients []client.Client) { f.clients.store(clients) }

// Next implements LBStrategy: the client at index count, counted around the
// end.
func (f *Failover) Next(count int) client.Client {
	clients := f.clients.load()
	if len(clients) == 0 {
		return nil // U39
	}
	return clients[uint(count)%uint(len(clients))]
}

// Pick implements Picker: the first client that the call was not sent to, and
// when there is none left, the one asked the longest ago.
func (f *Failover) Pick(call *Call) client.Client {
	return firstUntried(f.clients.load(), 0, call)
}
