package client

import "sync"

// life is that of a client, up to Close. The exchanges under way end with it:
// it knows them, because a context for each that ends with another one takes
// more time than all else that a client does for a call. The zero value has
// begun.
type life struct {
	mu    sync.Mutex
	over  bool
	calls map[*response]struct{} // under way
}

// enter makes r end with the client. It fails if that was closed.
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

// leave forgets r.
func (l *life) leave(r *response) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.calls, r)
}

// err returns ErrClosed once the client was closed.
func (l *life) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return ErrClosed
	}
	return nil
}

// end ends the calls under way.
func (l *life) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	for r := range l.calls {
		r.cancel(ErrClosed)
	}
}
