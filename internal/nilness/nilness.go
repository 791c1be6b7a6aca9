// Package nilness finds nil values in interfaces.
package nilness

import "reflect"

// Is reports whether v is nil or holds a nil pointer or function. Calling a method of
// such a value usually panics.
func Is(v any) bool {
	switch value := reflect.ValueOf(v); value.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Func:
		return value.IsNil()
	}
	return false
}
