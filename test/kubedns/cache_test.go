package kubedns

import (
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// cache is a caching name server in front of another, as the one that runs on each
// node. It keeps an answer for the TTL of its records, and NXDOMAIN and NODATA for
// the TTL of the SOA record. Its clock stands still except for advance.
type cache struct {
	addr, behind string

	mu    sync.Mutex
	now   time.Time
	known map[dns.Question]cached
	hits  int
}

// cached is an answer and the time at which it expires.
type cached struct {
	answer  *dns.Msg
	expires time.Time
}

func newCache(tb testing.TB, behind string) *cache {
	c := &cache{behind: behind, known: make(map[dns.Question]cached)}
	c.addr = serve(tb, c)
	return c
}

func (c *cache) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *cache) hitCount() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits
}

func (c *cache) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	c.mu.Lock()
	defer c.mu.Unlock()
	question := query.Question[0]
	entry, ok := c.known[question]
	if ok && c.now.Before(entry.expires) {
		c.hits++
	} else {
		answer, _, err := (&dns.Client{Net: "tcp"}).Exchange(query.Copy(), c.behind)
		if err != nil {
			answer = new(dns.Msg).SetRcode(query, dns.RcodeServerFailure)
		}
		entry = cached{answer, c.now.Add(timeToLive(answer))}
		c.known[question] = entry
	}
	answer := entry.answer.Copy()
	answer.Id = query.Id
	size := dns.MinMsgSize
	if opt := query.IsEdns0(); opt != nil {
		size = int(opt.UDPSize())
	}
	if w.RemoteAddr().Network() == "udp" {
		answer.Truncate(size)
	}
	_ = w.WriteMsg(answer) // the resolver may have given up
}

// timeToLive returns how long an answer is kept: the smallest TTL of its records.
func timeToLive(answer *dns.Msg) time.Duration {
	records := append(answer.Answer, answer.Ns...)
	if len(records) == 0 {
		return 0
	}
	ttl := records[0].Header().Ttl
	for _, record := range records {
		ttl = min(ttl, record.Header().Ttl)
	}
	return time.Duration(ttl) * time.Second
}
