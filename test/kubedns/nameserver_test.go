package kubedns

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

const (
	domain      = "cluster.local."
	service     = "peers.ns.svc.cluster.local."
	positiveTTL = 5 // seconds, the default of CoreDNS
	negativeTTL = 30
)

// nameServer is an authoritative name server for cluster.local on loopback, over
// UDP and TCP.
type nameServer struct {
	addr string

	mu      sync.Mutex
	records map[string][]dns.RR      // by name; a name without records exists and is empty
	held    map[string]chan struct{} // queries of these names are not answered before the channel is closed
	rcode   int                      // of all answers, if not 0
	noEDNS0 bool                     // answers over UDP have at most 512 bytes
	turns   int                      // the number of answers, by which their records are rotated
	overTCP int                      // the number of answers over TCP
	asked   []string                 // the names of all queries, in order
}

// newNameServer starts a name server that stops at the end of the test.
func newNameServer(tb testing.TB) *nameServer {
	tb.Helper()
	s := &nameServer{records: make(map[string][]dns.RR), held: make(map[string]chan struct{})}
	s.addr = serve(tb, s)
	return s
}

// serve answers the queries of one port, over UDP and TCP, until the end of the test.
func serve(tb testing.TB, handler dns.Handler) (addr string) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(tb, err)
	packets, err := net.ListenPacket("udp", listener.Addr().String())
	must(tb, err)
	var running sync.WaitGroup
	tb.Cleanup(running.Wait) // runs last, after Shutdown
	for _, server := range []*dns.Server{{Listener: listener, Handler: handler}, {PacketConn: packets, Handler: handler}} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		running.Go(func() {
			if err := server.ActivateAndServe(); err != nil {
				tb.Errorf("name server: %v", err)
			}
		})
		<-started
		tb.Cleanup(func() {
			if err := server.Shutdown(); err != nil {
				tb.Errorf("name server: %v", err)
			}
		})
	}
	return listener.Addr().String()
}

// resolverAt returns Go's own resolver, which asks the name server at addr only. A
// lookup whose context has ended waits for its answer in the background; the end of
// the test ends that too.
func resolverAt(tb testing.TB, addr string) *net.Resolver {
	var mu sync.Mutex
	var conns []net.Conn
	ended := false
	tb.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		ended = true
		for _, conn := range conns {
			_ = conn.Close() // most were closed by the resolver
		}
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		if ended {
			return nil, net.ErrClosed
		}
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err == nil {
			conns = append(conns, conn)
		}
		return conn, err
	}}
}

// set replaces the records of a name. Without records, the name exists: the answer
// is NODATA.
func (s *nameServer) set(name string, records ...dns.RR) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[name] = records
}

// remove removes a name: the answer is NXDOMAIN.
func (s *nameServer) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, name)
}

// hold leaves queries of a name unanswered until release is called.
func (s *nameServer) hold(name string) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	until := make(chan struct{})
	s.held[name] = until
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.held, name)
		close(until)
	})
}

// change changes the settings of the server.
func (s *nameServer) change(do func(*nameServer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s)
}

func (s *nameServer) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	s.mu.Lock()
	until := s.held[strings.ToLower(query.Question[0].Name)]
	s.mu.Unlock()
	if until != nil {
		<-until
	}
	_ = w.WriteMsg(s.answer(query, w.RemoteAddr().Network())) // the resolver may have given up
}

func (s *nameServer) answer(query *dns.Msg, network string) *dns.Msg {
	s.mu.Lock()
	defer s.mu.Unlock()
	question := query.Question[0]
	name := strings.ToLower(question.Name)
	s.asked = append(s.asked, name)
	s.turns++
	answer := new(dns.Msg).SetReply(query)
	answer.Authoritative = true
	answer.Compress = true
	records, known := s.records[name]
	switch {
	case s.rcode != 0:
		answer.Rcode = s.rcode
		return answer
	case !known:
		answer.Rcode = dns.RcodeNameError
	}
	for _, record := range records {
		if record.Header().Rrtype == question.Qtype {
			answer.Answer = append(answer.Answer, record)
		}
	}
	if n := len(answer.Answer); n > 0 {
		answer.Answer = slices.Concat(answer.Answer[s.turns%n:], answer.Answer[:s.turns%n])
	} else {
		answer.Ns = []dns.RR{startOfAuthority()}
	}
	size := dns.MinMsgSize
	if opt := query.IsEdns0(); opt != nil && !s.noEDNS0 {
		size = int(opt.UDPSize())
		answer.SetEdns0(opt.UDPSize(), false)
	}
	if network == "tcp" {
		size = dns.MaxMsgSize
		s.overTCP++
	}
	answer.Truncate(size)
	return answer
}

// startOfAuthority is the record that limits the time for which caches keep that a
// name does not exist or is empty.
func startOfAuthority() dns.RR {
	return &dns.SOA{Hdr: header(domain, dns.TypeSOA, negativeTTL), Ns: "ns.dns." + domain, Mbox: "hostmaster." + domain, Minttl: negativeTTL}
}

func header(name string, kind uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}

// addresses returns an A or AAAA record of name for each IP address.
func addresses(name string, ips ...string) []dns.RR {
	var records []dns.RR
	for _, text := range ips {
		if ip := net.ParseIP(text); ip.To4() != nil {
			records = append(records, &dns.A{Hdr: header(name, dns.TypeA, positiveTTL), A: ip})
		} else {
			records = append(records, &dns.AAAA{Hdr: header(name, dns.TypeAAAA, positiveTTL), AAAA: ip})
		}
	}
	return records
}

// services returns an SRV record for each pod, with the weights that CoreDNS gives: 100
// divided by the number of pods.
func services(port uint16, pods ...string) []dns.RR {
	var records []dns.RR
	for _, pod := range pods {
		records = append(records, &dns.SRV{
			Hdr: header("_api._tcp."+service, dns.TypeSRV, positiveTTL), Weight: uint16(100 / len(pods)), Port: port, Target: pod + "." + service,
		})
	}
	return records
}
