package main

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// demoLine is what the demo appends: the number makes equal lines different.
type demoLine struct {
	Number int
	Text   string
}

// demoCodec writes the number as a varint and then the text, whatever bytes that has:
// JSON would only keep UTF-8.
type demoCodec struct{}

func (demoCodec) Marshal(v any) ([]byte, error) {
	line, ok := v.(demoLine)
	if !ok {
		return nil, fmt.Errorf("demo: %T is not a line", v)
	}
	return append(binary.AppendUvarint(nil, uint64(line.Number)), line.Text...), nil
}

func (demoCodec) Unmarshal(data []byte, v any) error {
	line, ok := v.(*demoLine)
	if !ok {
		return fmt.Errorf("demo: %T is not a line", v)
	}
	number, size := binary.Uvarint(data)
	if size <= 0 {
		return errors.New("demo: a line without a number")
	}
	line.Number, line.Text = int(number), string(data[size:])
	return nil
}
