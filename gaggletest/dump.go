package gaggletest

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// Limits of what is looked at. A state beyond them is either very large, or so entangled
// that following its pointers does not end in time.
const (
	maxDumpLines = 1 << 18
	maxDumpDepth = 1000
)

// dump says all that a value holds, unexported fields too, one part a line, so that equal
// values give equal text and the first line that differs says where. Pointers are followed,
// maps are sorted, and what is nil and what is empty is the same. Functions, channels and
// locks have no contents.
func dump[T any](v T) string {
	d := &dumper{following: map[visit]bool{}}
	d.walk(reflect.ValueOf(&v).Elem(), 0)
	return string(d.text)
}

// A visit is a pointer that is being followed.
type visit struct {
	at  uintptr
	typ reflect.Type
}

type dumper struct {
	text  []byte
	lines int
	// path leads to the value that is being described.
	path      []byte
	following map[visit]bool
}

// line begins a line, to which the caller adds a value and the end.
func (d *dumper) line() {
	if d.lines++; d.lines > maxDumpLines {
		panic("gaggletest: there is too much of it to compare: give the Machine a Hash")
	}
	d.text = append(d.text, d.path...)
	d.text = append(d.text, " = "...)
}

func (d *dumper) say(value string) {
	d.line()
	d.text = append(d.text, value...)
	d.text = append(d.text, '\n')
}

func (d *dumper) quote(value string) {
	d.line()
	d.text = strconv.AppendQuote(d.text, value)
	d.text = append(d.text, '\n')
}

// part describes a part, to which a path leads from here.
func (d *dumper) part(path string, v reflect.Value, depth int) {
	here := len(d.path)
	d.path = append(d.path, path...)
	d.walk(v, depth+1)
	d.path = d.path[:here]
}

// walk describes a value, which is addressable.
func (d *dumper) walk(v reflect.Value, depth int) {
	if depth > maxDumpDepth {
		panic("gaggletest: it is too deep to compare: give the Machine a Hash")
	}
	switch v.Kind() {
	case reflect.Pointer:
		d.pointer(v, depth)
	case reflect.Interface:
		d.dynamic(v, depth)
	case reflect.Struct:
		d.fields(v, depth)
	case reflect.Slice, reflect.Array:
		d.list(v, depth)
	case reflect.Map:
		d.table(v, depth)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		d.say(v.Kind().String())
	case reflect.String:
		d.quote(v.String())
	default:
		d.scalar(v)
	}
}

func (d *dumper) scalar(v reflect.Value) {
	d.line()
	switch {
	case v.CanInt():
		d.text = strconv.AppendInt(d.text, v.Int(), 10)
	case v.CanUint():
		d.text = strconv.AppendUint(d.text, v.Uint(), 10)
	default:
		d.text = fmt.Append(d.text, v.Interface())
	}
	d.text = append(d.text, '\n')
}

func (d *dumper) pointer(v reflect.Value, depth int) {
	here := visit{v.Pointer(), v.Type()}
	switch {
	case v.IsNil():
		d.say("nil")
	case d.following[here]:
		d.say("what it is part of")
	default:
		d.following[here] = true
		d.walk(v.Elem(), depth+1)
		delete(d.following, here)
	}
}

func (d *dumper) dynamic(v reflect.Value, depth int) {
	if v.IsNil() {
		d.say("nil")
		return
	}
	d.say("a " + v.Elem().Type().String())
	d.walk(addressable(v.Elem()), depth+1)
}

func (d *dumper) fields(v reflect.Value, depth int) {
	if d.special(v, depth) {
		return
	}
	if v.NumField() == 0 {
		d.say("nothing")
	}
	for i := range v.NumField() {
		d.part("."+v.Type().Field(i).Name, open(v.Field(i)), depth)
	}
}

// open makes a field that is not exported readable, as are all others.
func open(field reflect.Value) reflect.Value {
	if field.CanInterface() {
		return field
	}
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem() //nolint:gosec // a field's own address and type
}

// addressable copies what lies in a map or an interface.
func addressable(v reflect.Value) reflect.Value {
	fresh := reflect.New(v.Type()).Elem()
	fresh.Set(v)
	return fresh
}

// special describes structs that are not to be taken apart, and reports whether it did.
func (d *dumper) special(v reflect.Value, depth int) bool {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		d.say(x.Round(0).Format(time.RFC3339Nano))
		return true
	case *sync.Map:
		contents := map[any]any{}
		x.Range(func(key, value any) bool {
			contents[key] = value
			return true
		})
		d.table(reflect.ValueOf(contents), depth)
		return true
	}
	switch v.Type().PkgPath() {
	case "sync":
		return true
	case "sync/atomic":
		if load := v.Addr().MethodByName("Load"); load.IsValid() {
			d.walk(addressable(load.Call(nil)[0]), depth+1)
			return true
		}
	}
	return false
}

func (d *dumper) list(v reflect.Value, depth int) {
	switch {
	case v.Len() == 0:
		d.say("nothing")
	case v.Type().Elem().Kind() == reflect.Uint8:
		d.quote(string(v.Bytes()))
	default:
		for i := range v.Len() {
			d.part("["+strconv.Itoa(i)+"]", v.Index(i), depth)
		}
	}
}

func (d *dumper) table(v reflect.Value, depth int) {
	if v.Len() == 0 {
		d.say("nothing")
		return
	}
	values := make(map[string]reflect.Value, v.Len())
	keys := make([]string, 0, v.Len())
	for each := v.MapRange(); each.Next(); {
		key := keyText(each.Key(), depth)
		keys = append(keys, key)
		values[key] = each.Value()
	}
	slices.Sort(keys)
	for _, key := range keys {
		d.part("["+key+"]", addressable(values[key]), depth)
	}
}

// keyText describes a key in one line.
func keyText(key reflect.Value, depth int) string {
	if key.Kind() == reflect.String {
		return strconv.Quote(key.String())
	}
	d := &dumper{following: map[visit]bool{}}
	d.walk(addressable(key), depth+1)
	text := strings.TrimPrefix(strings.TrimSuffix(string(d.text), "\n"), " = ")
	return strings.ReplaceAll(strings.ReplaceAll(text, "\n = ", " "), "\n", ", ")
}

// difference finds the first line that two texts do not share.
func difference(a, b string) (inA, inB string) {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(as), len(bs)) {
		inA, inB = lineOf(as, i), lineOf(bs, i)
		if inA != inB {
			break
		}
	}
	return inA, inB
}

func lineOf(lines []string, i int) string {
	if i >= len(lines) || lines[i] == "" {
		return "nothing more"
	}
	return strings.TrimPrefix(lines[i], " = ")
}
