package client

import "sync"

// life tracks the exchanges in flight so that Close can cancel them. The context
// of an exchange is derived from the caller's, and so cannot also be derived from
// a context of the client that Close would cancel. The zero value is open.
type life struct {
	mu    sync.Mutex
	over  bool
	calls map[*response]struct{} // in flight
}

// enter registers r, so that end cancels it. After end it returns ErrClosed.
func (l *life) enter(r *response) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return ErrClosed
	}
	if l.calls == nil {
		l.calls = make(map[*response]struct{})
	}
	l.calls[r] = struct{}{}
	return nil
}

// leave removes r after its exchange has ended.
func (l *life) leave(r *response) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.calls, r)
}

// err returns ErrClosed after end, and nil before.
func (l *life) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return ErrClosed
	}
	return nil
}

// end cancels the exchanges in flight and closes l.
func (l *life) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	for r := range l.calls {
		r.cancel(ErrClosed)
	}
}
