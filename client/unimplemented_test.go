package client

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/pinfleet/pinfleet/api"
)

// Each method of Client fails and names itself in its error. A listing yields only the
// error, and an add closes its channel. The test covers methods added to Client later.
func TestUnimplementedFails(t *testing.T) {
	type embeds struct{ Unimplemented }
	var c Client = embeds{}
	client := reflect.TypeFor[Client]()
	for i := range client.NumMethod() {
		name := client.Method(i).Name
		if name == "Close" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			method := reflect.ValueOf(c).MethodByName(name)
			out := make(chan *api.AddedOutput)
			adds := false
			var in []reflect.Value
			for p := range method.Type().Ins() {
				switch {
				case p == reflect.TypeFor[context.Context]():
					in = append(in, reflect.ValueOf(t.Context()))
				case p == reflect.TypeFor[chan<- *api.AddedOutput]():
					adds = true
					in = append(in, reflect.ValueOf(out))
				default:
					in = append(in, reflect.Zero(p))
				}
			}
			results := method.Call(in)
			last := results[len(results)-1]
			if last.Kind() == reflect.Func {
				pairs := 0
				for _, err := range last.Seq2() {
					pairs++
					last = err
				}
				if pairs != 1 {
					t.Errorf("yields %d pairs, want 1", pairs)
				}
			}
			err, _ := last.Interface().(error)
			var e *Error
			if !errors.Is(err, ErrUnimplemented) || !errors.As(err, &e) || string(e.Op) != name || e.MayHaveExecuted {
				t.Errorf("fails with %#v", err)
			}
			if adds {
				if _, open := <-out; open {
					t.Error("sends an output")
				}
			}
		})
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
