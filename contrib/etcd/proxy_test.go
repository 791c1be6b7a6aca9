package etcd_test

import (
	"net"
	"sync"
	"testing"
)

// proxy forwards connections to a member. It can be mute: it accepts connections and
// forwards nothing, as a network that drops packets. It can also refuse connections.
type proxy struct {
	addr, to string
	done     sync.WaitGroup

	mu     sync.Mutex
	l      net.Listener // nil while it refuses
	isMute bool
	conns  []net.Conn
}

// startProxy starts a proxy that ends with the test.
func startProxy(t *testing.T, to string) *proxy {
	t.Helper()
	p := &proxy{addr: heldURL(t).Host, to: to}
	must(t, p.mend())
	t.Cleanup(func() {
		p.refuse()
		p.done.Wait()
	})
	return p
}

// refuse closes all connections and refuses further ones.
func (p *proxy) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.l != nil {
		_ = p.l.Close()
		p.l = nil
	}
	p.closeAll()
}

// mute forwards nothing more, of the connections that exist and of new ones.
func (p *proxy) mute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isMute = true
}

// mend forwards again. Connections that were mute have lost bytes, so they end.
func (p *proxy) mend() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isMute {
		p.isMute = false
		p.closeAll()
	}
	if p.l != nil {
		return nil
	}
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return err
	}
	p.l = l
	p.done.Go(func() { p.accept(l) })
	return nil
}

// closeAll is called with mu held.
func (p *proxy) closeAll() {
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

func (p *proxy) accept(l net.Listener) {
	for {
		from, err := l.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", p.to)
		if err != nil || !p.keep(l, from, to) {
			_ = from.Close()
			if err == nil {
				_ = to.Close()
			}
			continue
		}
		p.done.Go(func() { p.forward(from, to) })
		p.done.Go(func() { p.forward(to, from) })
	}
}

// keep records the connections of a listener, and reports whether that has not been
// closed meanwhile.
func (p *proxy) keep(l net.Listener, conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.l != l {
		return false
	}
	p.conns = append(p.conns, conns...)
	return true
}

// forward copies until an end is closed. While the proxy is mute, it drops what it
// reads.
func (p *proxy) forward(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		isMute := p.isMute
		p.mu.Unlock()
		if isMute {
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
