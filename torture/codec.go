//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/ben-ng/gaggle"
)

// valueCodec writes values as JSON on a line, and their padding behind it, as it is: JSON
// would keep the machine busy with nothing else.
type valueCodec struct{}

var _ gaggle.Codec = valueCodec{}

func (valueCodec) Marshal(v any) ([]byte, error) {
	element, ok := v.(value)
	if !ok {
		return nil, fmt.Errorf("a %T is no value", v)
	}
	pad := element.Pad
	element.Pad = nil
	line, err := json.Marshal(element)
	return append(append(line, '\n'), pad...), err
}

func (valueCodec) Unmarshal(data []byte, v any) error {
	element, ok := v.(*value)
	if !ok {
		return fmt.Errorf("a %T is no value", v)
	}
	line, pad, ok := bytes.Cut(data, []byte{'\n'})
	if !ok {
		return fmt.Errorf("a value without an end: %.100q", data)
	}
	if err := json.Unmarshal(line, element); err != nil {
		return err
	}
	element.Pad = bytes.Clone(pad)
	return nil
}
