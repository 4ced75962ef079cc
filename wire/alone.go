package wire

import "github.com/ben-ng/gaggle/raft"

// AppendRaft appends the encoding of a message of Raft that is in no frame. An error is
// ErrTooLarge or ErrMalformed, says that no frame may carry it, and comes with dst as it was.
func AppendRaft(dst []byte, m *raft.Message) ([]byte, error) {
	f := Frame{From: m.From, To: m.To}
	if err := checkEnvelope(&f); err != nil {
		return dst, err
	}
	if err := checkMessage(&f, m); err != nil {
		return dst, err
	}
	return appendMessage(appendText(appendText(dst, string(m.From)), string(m.To)), m), nil
}

// DecodeRaft reads the message at the beginning of b, and returns what follows it. The data of
// its entries are bytes of b, which must not change as long as they are used. The errors are
// ErrMalformed, ErrChecksum and ErrTooLarge.
func DecodeRaft(b []byte) (m *raft.Message, rest []byte, err error) {
	var r reader
	r.reset(b)
	f := Frame{From: raft.NodeID(r.text()), To: raft.NodeID(r.text())}
	if r.err != nil {
		return nil, nil, r.err
	}
	if err := checkEnvelope(&f); err != nil {
		return nil, nil, err
	}
	k, body, rest, err := splitMessage(r.rest)
	if err != nil {
		return nil, nil, err
	}
	if !k.raft() {
		return nil, nil, malformed("%v is no message of Raft", k)
	}
	r.reset(body)
	message := r.message(k, &f)
	if err := r.end(); err != nil {
		return nil, nil, err
	}
	if err := checkMessage(&f, message); err != nil {
		return nil, nil, err
	}
	return message.(*raft.Message), rest, nil
}
