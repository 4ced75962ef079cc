package gaggle

import (
	"encoding/json"
	"errors"
	"slices"
)

// A Codec makes bytes of values, for entries and for the arguments and results of
// leader calls. All nodes of a cluster must have the same one, and it must be safe for
// concurrent use. Values of type []byte never go through it: they are stored as they
// are.
type Codec interface {
	// Marshal makes at most MaxValue bytes of a value, in its own memory or in new. Nodes
	// copy them; an error ends the call with nothing done.
	Marshal(v any) ([]byte, error)
	// Unmarshal stores into the value that v points to. It must not keep data.
	Unmarshal(data []byte, v any) error
}

// WithCodec replaces JSON. All nodes of a cluster need the same codec, which is not checked.
func WithCodec(c Codec) Option {
	return option(func(s *settings) error {
		if c == nil {
			return errors.New("gaggle: WithCodec: the codec is nil")
		}
		s.codec = c
		return nil
	})
}

// JSON is the default codec: package encoding/json.
func JSON() Codec { return jsonCodec{} }

type jsonCodec struct{}

func (jsonCodec) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (jsonCodec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

// encode makes bytes of a value. They may be the value's own.
func encode[T any](c Codec, v T) ([]byte, error) {
	if b, ok := any(v).([]byte); ok {
		return b, nil
	}
	return c.Marshal(v)
}

// decode makes a value of bytes, which it does not share.
func decode[T any](c Codec, data []byte, v *T) error {
	if b, ok := any(v).(*[]byte); ok {
		*b = slices.Clone(data)
		return nil
	}
	return c.Unmarshal(data, v)
}
