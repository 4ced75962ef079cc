package wire

import (
	"bytes"

	"github.com/ben-ng/gaggle/raft"
)

// appendConfiguration appends a configuration's encoding.
func appendConfiguration(b []byte, c raft.Configuration) []byte {
	b, _ = c.AppendBinary(b) // which documents that it never fails
	return b
}

// decodeConfiguration reads a configuration in the one encoding that AppendBinary
// would give it. UnmarshalBinary also reads numbers that are longer than they need be.
func decodeConfiguration(b []byte) (raft.Configuration, error) {
	var c raft.Configuration
	if err := c.UnmarshalBinary(b); err != nil {
		return raft.Configuration{}, malformed("%v", err)
	}
	if !bytes.Equal(appendConfiguration(nil, c), b) {
		return raft.Configuration{}, malformed("a configuration that is longer than it need be")
	}
	return c, nil
}
