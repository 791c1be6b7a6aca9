package transporttest

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// DNS is a name server on loopback.
type DNS struct {
	mu      sync.Mutex
	ips     map[string][]netip.Addr
	texts   map[string][]string
	queries int
}

// NewDNS starts a name server that stops when the test ends. It returns the server
// and a resolver that queries it.
func NewDNS(t *testing.T) (*DNS, *net.Resolver) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &DNS{ips: make(map[string][]netip.Addr), texts: make(map[string][]string)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.serve(conn)
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return d, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// SetIPs sets the A and AAAA records of name.
func (d *DNS) SetIPs(name string, ips ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	addrs := make([]netip.Addr, len(ips))
	for i, ip := range ips {
		addrs[i] = netip.MustParseAddr(ip)
	}
	d.ips[name+"."] = addrs
}

// SetDNSAddrs sets the dnsaddr records of name.
func (d *DNS) SetDNSAddrs(name string, addrs ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	texts := make([]string, len(addrs))
	for i, a := range addrs {
		texts[i] = "dnsaddr=" + a
	}
	d.texts["_dnsaddr."+name+"."] = texts
}

// Queries returns the number of queries received.
func (d *DNS) Queries() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.queries
}

func (d *DNS) serve(conn net.PacketConn) {
	buf := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if answer := d.answer(buf[:n]); answer != nil {
			_, _ = conn.WriteTo(answer, from)
		}
	}
}

func (d *DNS) answer(query []byte) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) != 1 {
		return nil
	}
	d.queries++
	q := m.Questions[0]
	name := strings.ToLower(q.Name.String())
	_, isHost := d.ips[name]
	_, isText := d.texts[name]
	r := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true}, Questions: m.Questions}
	if !isHost && !isText {
		r.RCode = dnsmessage.RCodeNameError
	}
	add := func(body dnsmessage.ResourceBody) {
		r.Answers = append(r.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET},
			Body:   body,
		})
	}
	for _, ip := range d.ips[name] {
		switch {
		case q.Type == dnsmessage.TypeA && ip.Is4():
			add(&dnsmessage.AResource{A: ip.As4()})
		case q.Type == dnsmessage.TypeAAAA && ip.Is6():
			add(&dnsmessage.AAAAResource{AAAA: ip.As16()})
		}
	}
	if q.Type == dnsmessage.TypeTXT {
		for _, text := range d.texts[name] {
			add(&dnsmessage.TXTResource{TXT: []string{text}})
		}
	}
	b, err := r.Pack()
	if err != nil {
		return nil
	}
	return b
}
