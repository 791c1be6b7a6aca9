package mux

import (
	"net"
	"syscall"
	"testing"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// FIELD D2: the system delayed acknowledgements by 40 ms, and the server held its
// next small answer back until then. After an exchange, a socket without the
// option delays them; the option's value reports that.
func TestReadsAreAcknowledgedAtOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	c := New(near, func(*Call, *pyxiswire.Response) {})
	served := make(chan error)
	go func() { served <- c.Serve() }()
	p := &peer{t, far, pyxiswire.NewReader(far, 0)}
	for range 20 {
		out := do(t.Context(), c, stat("/"))
		p.send(answer(p.receive().GetXid(), ""))
		if r := <-out; r.err != nil {
			t.Fatal(r.err)
		}
	}
	raw, err := near.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var quick int
	if err := raw.Control(func(fd uintptr) {
		quick, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK)
	}); err != nil || quick != 1 {
		t.Errorf("quick acknowledgement is %d, %v", quick, err)
	}
	c.Fail(net.ErrClosed)
	<-served
}
