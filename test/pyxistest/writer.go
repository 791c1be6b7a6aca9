package pyxistest

import (
	"time"

	"github.com/pinfleet/pinfleet/internal/pyxiswire"
)

// take waits until answers are queued and returns them, or nil if the
// connection is closed. It reuses batch for the queue.
func (c *conn) take(batch []outgoing) []outgoing {
	for {
		c.mu.Lock()
		batch, c.queue = c.queue, batch[:0]
		c.unsent = 0
		c.mu.Unlock()
		if len(batch) > 0 {
			return batch
		}
		select {
		case <-c.filled:
		case <-c.done:
			return nil
		}
	}
}

// write sends queued answers until the connection ends.
func (c *conn) write() {
	w := &writer{conn: c}
	var batch []outgoing
	for {
		batch = c.take(batch)
		if batch == nil {
			return
		}
		for i := range batch {
			if !w.write(&batch[i]) {
				return
			}
			batch[i] = outgoing{}
		}
		if !w.flush() {
			c.close()
			return
		}
	}
}

// writer collects frames and writes many of them at once. With Options.Nagle, it
// writes each answer by itself, as the real server does.
type writer struct {
	conn *conn
	buf  []byte
}

// write adds an answer. It reports whether the connection continues.
func (w *writer) write(o *outgoing) bool {
	if wait := time.Until(o.due); wait > 0 && !o.due.IsZero() {
		if !w.flush() || !sleep(wait, w.conn.done) {
			w.conn.close()
			return false
		}
	}
	start := len(w.buf)
	w.encode(o)
	if o.pace > 0 {
		slow := append([]byte(nil), w.buf[start:]...)
		w.buf = w.buf[:start]
		if !w.drip(slow, o.pace) {
			w.conn.close()
			return false
		}
	}
	if o.end == goOn && len(w.buf) < flushSize && !w.conn.node.c.opts.Nagle {
		return true
	}
	switch sent := w.flush(); {
	case !sent, o.end == cut:
		w.conn.close()
		return false
	case o.end == shutWrite:
		w.shut()
		return false
	}
	return true
}

func (w *writer) encode(o *outgoing) {
	start := len(w.buf)
	if o.resp != nil {
		buf, err := pyxiswire.AppendFrame(w.buf, o.resp)
		if err != nil {
			// No node is near the limit of a frame, and no required field
			// is missing.
			w.conn.node.c.opts.Logger.Error("answer is not sent", "error", err)
		}
		w.buf = buf
	}
	w.buf = append(w.buf, o.raw...)
	if o.keep > 0 {
		w.buf = w.buf[:min(len(w.buf), start+o.keep)]
	}
}

// drip sends bytes one at a time.
func (w *writer) drip(slow []byte, pace time.Duration) bool {
	if !w.flush() {
		return false
	}
	for i := range slow {
		if !sleep(pace, w.conn.done) {
			return false
		}
		w.buf = append(w.buf, slow[i])
		if !w.flush() {
			return false
		}
	}
	return true
}

// flush writes the collected frames. It reports whether that succeeded.
func (w *writer) flush() bool {
	if len(w.buf) == 0 {
		return true
	}
	if !w.conn.node.gate.pass(w.conn.done) {
		return false
	}
	_, err := w.conn.net.Write(w.buf)
	w.buf = w.buf[:0]
	if cap(w.buf) > 4*flushSize {
		w.buf = nil
	}
	return err == nil
}

// shut closes the sending side of the connection.
func (w *writer) shut() {
	if half, ok := w.conn.net.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	w.conn.close()
}
