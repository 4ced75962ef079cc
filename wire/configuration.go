package wire

import "github.com/ben-ng/gaggle/raft"

// appendConfiguration appends a configuration's encoding.
func appendConfiguration(b []byte, c raft.Configuration) []byte {
	b, _ = c.AppendBinary(b) // which documents that it never fails
	return b
}

// decodeConfiguration reads a configuration. Only what appendConfiguration writes can
// be read: UnmarshalBinary promises that.
func decodeConfiguration(b []byte) (raft.Configuration, error) {
	var c raft.Configuration
	if err := c.UnmarshalBinary(b); err != nil {
		return raft.Configuration{}, malformed("%v", err)
	}
	return c, nil
}
