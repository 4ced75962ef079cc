package wire

import "github.com/ben-ng/gaggle/raft"

func (h *Hello) size() int {
	size := 4 + 1 + 1 + len(h.Name) + idsSize(h.Pledge) + idsSize(h.Charter) + 1 + len(h.Abandoned)*len(ClusterID{})
	size += 8 + 8 + 1
	for i := range h.Contested {
		size += 1 + len(h.Contested[i].ID) + 8 + 8
	}
	return size
}

func (h *Hello) check(raft.Term) error {
	if h.State >= helloStates {
		return malformed("state %d", uint8(h.State))
	}
	if err := atMost("the name", len(h.Name), MaxName); err != nil {
		return err
	}
	if err := checkIDs("the pledge", h.Pledge); err != nil {
		return err
	}
	if err := checkIDs("the charter", h.Charter); err != nil {
		return err
	}
	if err := atMost("abandoned charters", len(h.Abandoned), MaxAbandoned); err != nil {
		return err
	}
	return h.checkContested()
}

func (h *Hello) checkContested() error {
	if err := atMost("contested claims", len(h.Contested), MaxContested); err != nil {
		return err
	}
	for i := range h.Contested {
		if err := checkID("a contested claim", h.Contested[i].ID); err != nil {
			return err
		}
		if h.Contested[i].Starts == 0 {
			return malformed("a contested claim of a node without a disk")
		}
	}
	return nil
}

func (h *Hello) encode(b []byte) []byte {
	b = appendU32(b, h.Size)
	b = append(b, byte(h.State))
	b = appendText(b, h.Name)
	b = appendIDs(b, h.Pledge)
	b = appendIDs(b, h.Charter)
	b = append(b, byte(len(h.Abandoned)))
	for i := range h.Abandoned {
		b = append(b, h.Abandoned[i][:]...)
	}
	b = appendU64(b, h.Starts)
	b = appendU64(b, h.Nonce)
	b = append(b, byte(len(h.Contested)))
	for i := range h.Contested {
		c := &h.Contested[i]
		b = appendText(b, string(c.ID))
		b = appendU64(b, c.Starts)
		b = appendU64(b, c.Nonce)
	}
	return b
}

// decode remembers no names: those of a Hello are many, come once a second, and
// would push out those that come all the time.
func (h *Hello) decode(r *reader) {
	h.Size = r.u32()
	h.State = HelloState(r.u8())
	h.Name = string(r.text())
	h.Pledge = r.ids()
	h.Charter = r.ids()
	h.Abandoned = r.clusters()
	h.Starts = r.u64()
	h.Nonce = r.u64()
	h.Contested = r.claims()
}

func (p *Proposals) size() int {
	size := 4
	for _, command := range p.Entries {
		size += 4 + len(command)
	}
	return size
}

func (p *Proposals) check(raft.Term) error {
	if err := atMost("commands", len(p.Entries), MaxEntries); err != nil {
		return err
	}
	for i, command := range p.Entries {
		if len(command) > MaxEntryData {
			return within(atMost("a command", len(command), MaxEntryData), "command %d", i)
		}
	}
	return nil
}

func (p *Proposals) encode(b []byte) []byte {
	b = appendU32(b, uint32(len(p.Entries)))
	for _, command := range p.Entries {
		b = appendU32(b, uint32(len(command)))
		b = append(b, command...)
	}
	return b
}

func (p *Proposals) decode(r *reader) { p.Entries = r.commands() }

func (*ProposalsRefused) size() int { return 1 }

func (p *ProposalsRefused) check(raft.Term) error {
	if p.Reason >= refusalReasons {
		return malformed("reason %d", uint8(p.Reason))
	}
	return nil
}

func (p *ProposalsRefused) encode(b []byte) []byte { return append(b, byte(p.Reason)) }
func (p *ProposalsRefused) decode(r *reader)       { p.Reason = RefusalReason(r.u8()) }

func (*ReadIndex) size() int                { return 8 }
func (*ReadIndex) check(raft.Term) error    { return nil }
func (x *ReadIndex) encode(b []byte) []byte { return appendU64(b, x.Token) }
func (x *ReadIndex) decode(r *reader)       { x.Token = r.u64() }

func (*ReadIndexReply) size() int             { return 8 + 1 + 8 }
func (*ReadIndexReply) check(raft.Term) error { return nil }

func (x *ReadIndexReply) encode(b []byte) []byte {
	b = appendU64(b, x.Token)
	b = appendBool(b, x.OK)
	return appendU64(b, uint64(x.Index))
}

func (x *ReadIndexReply) decode(r *reader) {
	x.Token = r.u64()
	x.OK = r.bool()
	x.Index = r.index()
}

func (c *Call) size() int { return 8 + 8 + 1 + len(c.Name) + len(c.Payload) }

func (c *Call) check(raft.Term) error {
	if err := atMost("the name", len(c.Name), MaxName); err != nil {
		return err
	}
	return atMost("the payload", len(c.Payload), MaxCallPayload)
}

func (c *Call) encode(b []byte) []byte {
	b = appendU64(b, c.ID)
	b = appendU64(b, c.Timeout)
	b = appendText(b, c.Name)
	return append(b, c.Payload...)
}

func (c *Call) decode(r *reader) {
	c.ID = r.u64()
	c.Timeout = r.u64()
	c.Name = r.names.get(r.text())
	c.Payload = r.tail()
}

func (c *CallReply) size() int { return 8 + 1 + len(c.Payload) }

func (c *CallReply) check(raft.Term) error {
	if c.Status >= callStatuses {
		return malformed("status %d", uint8(c.Status))
	}
	return atMost("the payload", len(c.Payload), MaxCallPayload)
}

func (c *CallReply) encode(b []byte) []byte {
	b = appendU64(b, c.ID)
	b = append(b, byte(c.Status))
	return append(b, c.Payload...)
}

func (c *CallReply) decode(r *reader) {
	c.ID = r.u64()
	c.Status = CallStatus(r.u8())
	c.Payload = r.tail()
}

func (*Retired) size() int                { return 8 }
func (x *Retired) check(raft.Term) error  { return checkIndex(x.Index) }
func (x *Retired) encode(b []byte) []byte { return appendU64(b, uint64(x.Index)) }
func (x *Retired) decode(r *reader)       { x.Index = r.index() }

// checkIndex makes sure that an index is that of an entry.
func checkIndex(i raft.Index) error {
	if i == 0 {
		return malformed("index 0")
	}
	return nil
}

func appendText(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }

func idsSize(ids []raft.NodeID) int {
	size := 1
	for _, id := range ids {
		size += 1 + len(id)
	}
	return size
}

func checkID(what string, id raft.NodeID) error {
	if id == raft.None {
		return malformed("%s: an empty id", what)
	}
	if len(id) > MaxNodeID {
		return within(atMost("an id", len(id), MaxNodeID), "%s", what)
	}
	return nil
}

func checkIDs(what string, ids []raft.NodeID) error {
	if err := atMost(what, len(ids), MaxMembers); err != nil {
		return err
	}
	for _, id := range ids {
		if err := checkID(what, id); err != nil {
			return err
		}
	}
	return nil
}

func appendIDs(b []byte, ids []raft.NodeID) []byte {
	b = append(b, byte(len(ids)))
	for _, id := range ids {
		b = appendText(b, string(id))
	}
	return b
}
