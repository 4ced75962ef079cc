package state

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// jsonFault says what of a type gets lost in JSON, "" if nothing does.
func jsonFault(t reflect.Type, path string, seen map[reflect.Type]bool) string {
	if seen[t] {
		return ""
	}
	seen[t] = true
	if fault, own := ownFault(t, path); own {
		return fault
	}
	switch t.Kind() {
	case reflect.Struct:
		return structFault(t, path, seen)
	case reflect.Map:
		if !keyFits(t.Key()) {
			return fmt.Sprintf("%s has keys of type %v, which JSON cannot write", named(path), t.Key())
		}
		return jsonFault(t.Elem(), path+"[…]", seen)
	case reflect.Slice, reflect.Array:
		return jsonFault(t.Elem(), path+"[…]", seen)
	case reflect.Pointer:
		return jsonFault(t.Elem(), path, seen)
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return fmt.Sprintf("%s is an interface, %v, which JSON cannot read again", named(path), t)
		}
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return fmt.Sprintf("%s is a %v, which JSON cannot write", named(path), t)
	default:
	}
	return ""
}

// named is what a path is called in an error.
func named(path string) string {
	if path == "" {
		return "it"
	}
	return "its " + strings.TrimPrefix(path, ".")
}

var (
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// ownFault judges a type that has its own form in JSON: it has to be readable too.
func ownFault(t reflect.Type, path string) (fault string, own bool) {
	p := reflect.PointerTo(t)
	if t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer {
		return "", false
	}
	switch {
	case p.Implements(jsonMarshaler):
		own = p.Implements(jsonUnmarshaler)
	case p.Implements(textMarshaler):
		own = p.Implements(textUnmarshaler)
	default:
		return "", false
	}
	if !own {
		fault = fmt.Sprintf("%s is a %v, which has a method to write it and none to read it", named(path), t)
	}
	return fault, true
}

// keyFits reports whether keys of a map can be written and read.
func keyFits(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true
	default:
		return t.Implements(textMarshaler) && reflect.PointerTo(t).Implements(textUnmarshaler)
	}
}

func structFault(t reflect.Type, path string, seen map[reflect.Type]bool) string {
	for i := range t.NumField() {
		f := t.Field(i)
		name := path + "." + f.Name
		if f.Tag.Get("json") == "-" {
			continue
		}
		// The exported fields of an embedded struct are written as the struct's own.
		if promoted := f.Anonymous && f.Type.Kind() == reflect.Struct; !f.IsExported() && !promoted {
			return fmt.Sprintf("%s is not exported, so that it would be left out", named(name))
		}
		if fault := jsonFault(f.Type, name, seen); fault != "" {
			return fault
		}
	}
	return ""
}
