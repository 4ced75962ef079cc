package gaggletest

import (
	"reflect"
	"time"
)

// scribble overwrites a value and all that it points to, as far as fields are exported:
// what others share of it has changed then.
func scribble(v reflect.Value) {
	if _, isTime := v.Interface().(time.Time); isTime {
		return // the location it points to is everybody's
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			scribble(v.Elem())
		}
	case reflect.Interface:
		scribbleInterface(v)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				scribble(v.Field(i))
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			scribble(v.Index(i))
		}
	case reflect.Map:
		scribbleMap(v)
	default:
		if v.CanSet() {
			scribbleScalar(v)
		}
	}
}

// scribbleInterface overwrites what is behind an interface, which only shares what it
// points to.
func scribbleInterface(v reflect.Value) {
	if v.IsNil() {
		return
	}
	kind := v.Elem().Kind()
	if kind == reflect.Pointer || kind == reflect.Map || kind == reflect.Slice {
		scribble(v.Elem())
	}
}

func scribbleMap(v reflect.Value) {
	for _, key := range v.MapKeys() {
		fresh := addressable(v.MapIndex(key))
		scribble(fresh)
		v.SetMapIndex(key, fresh)
	}
}

func scribbleScalar(v reflect.Value) {
	switch {
	case v.CanInt():
		v.SetInt(^v.Int())
	case v.CanUint():
		v.SetUint(^v.Uint())
	case v.CanFloat():
		v.SetFloat(-v.Float() - 1)
	case v.Kind() == reflect.Bool:
		v.SetBool(!v.Bool())
	case v.Kind() == reflect.String:
		v.SetString("overwritten " + v.String())
	}
}
