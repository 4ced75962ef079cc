//go:build unix

package main

import (
	"reflect"
	"testing"
)

func TestValuesComeBackAsTheyWent(t *testing.T) {
	for _, v := range []value{
		{List: 1, Op: 2, Node: 3, Run: 4, Turn: 5},
		{Op: 10, Pad: padding(10, 1)}, // which is a newline
		{Op: 1 << 40, Pad: padding(1<<40, 1000)},
	} {
		data, err := valueCodec{}.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back value
		if err := (valueCodec{}).Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if len(v.Pad) == 0 {
			back.Pad = v.Pad // nothing may be nil or not
		}
		if !reflect.DeepEqual(back, v) {
			t.Errorf("%+v comes back as %+v", v, back)
		}
	}
}

func TestWhatIsNoValueIsRefused(t *testing.T) {
	var v value
	for _, data := range []string{"", "{}", "{\n", "[]\n"} {
		if (valueCodec{}).Unmarshal([]byte(data), &v) == nil {
			t.Errorf("%q is taken for a value", data)
		}
	}
	if _, err := (valueCodec{}).Marshal(1); err == nil {
		t.Error("a number is taken for a value")
	}
}

func TestASumTellsListsApart(t *testing.T) {
	var empty listState
	seen := map[listState]string{}
	for name, s := range map[string]listState{
		"nothing": empty, "1": empty.with(1), "2": empty.with(2), "1 2": empty.with(1).with(2),
		"2 1": empty.with(2).with(1), "1 1": empty.with(1).with(1), "1 2 3": empty.with(1).with(2).with(3),
	} {
		if other, again := seen[s]; again {
			t.Errorf("%s and %s are taken for one list", name, other)
		}
		seen[s] = name
	}
}
