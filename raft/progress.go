package raft

// A ProgressState says how a leader sends entries to a follower.
type ProgressState uint8

const (
	// Probe: where the logs part is not known; one message at a time, until one
	// is answered.
	Probe ProgressState = iota
	// Replicate: the logs are known to match; messages are sent one behind the
	// other without waiting.
	Replicate
	// Snapshot: what the follower needs is compacted; a snapshot is on its way, and
	// no entries are sent.
	Snapshot
)

func (s ProgressState) String() string {
	return [...]string{"probe", "replicate", "snapshot"}[s]
}

// progress is what a leader knows of one other member.
//
// Invariants:
//   - match < next
//   - everything up to match is durable on the member and equal to the leader's log
//   - in Replicate, entries in (match, next) are in flight
type progress struct {
	id NodeID
	// session numbers this membership of the node within the leader's term, so that
	// an answer given before the node was removed and added again does not count.
	session uint64
	state   ProgressState
	match   Index // matchIndex
	next    Index // nextIndex
	// paused: in Probe, a message is out and not answered. When the member is heard at
	// the tick retryAt or later, it counts as lost: not with every answer, as reads may
	// bring thousands of those before that to the probe.
	paused  bool
	retryAt uint64
	// commitSent is the highest commit index sent.
	commitSent Index
	// readAcked is the last read round confirmed (§6.4).
	readAcked uint64
	// heardAt is the tick of the last answer.
	heardAt  uint64
	inflight inflight
	// load is the open question for stored entries from next on; zero if there is none.
	// After one that failed, the next comes at the tick loadAt.
	load   Load
	loadAt uint64
}

// probeFrom goes back to Probe.
func (p *progress) probeFrom(next Index) {
	p.state = Probe
	p.next = max(next, p.match+1)
	p.begin()
}

// pause waits for an answer in Probe.
func (p *progress) pause(retryAt uint64) { p.paused, p.retryAt = true, retryAt }

// replicate starts to pipeline after the last known match: what was sent beyond it, to
// probe, need not have been kept.
func (p *progress) replicate() {
	p.state = Replicate
	p.next = p.match + 1
	p.begin()
}

// snapshot waits for a snapshot to be installed.
func (p *progress) snapshot() {
	p.state = Snapshot
	p.begin()
}

// begin forgets what was on its way in the state before.
func (p *progress) begin() {
	p.paused = false
	p.inflight.clear()
	p.load = Load{}
}

// mayHold is the highest index that the member has, as far as was sent.
func (p *progress) mayHold() Index {
	if p.state == Replicate {
		return p.next - 1
	}
	return p.match
}

// inflight is the queue of AppendEntries sent in Replicate and not acknowledged:
// a ring of the last index and size of each.
type inflight struct {
	ring        []sent
	start, size int
	bytes       int
}

type sent struct {
	last  Index
	bytes int
}

func (f *inflight) clear() { f.start, f.size, f.bytes = 0, 0, 0 }

// full reports whether nothing more may be sent. One message always may.
func (f *inflight) full(c *Config) bool {
	return f.size >= c.MaxInflightMessages || f.size > 0 && f.bytes >= c.MaxInflightBytes
}

func (f *inflight) add(s sent) {
	if f.size == len(f.ring) {
		ring := make([]sent, max(8, 2*len(f.ring)))
		for i := range f.size {
			ring[i] = f.ring[(f.start+i)%len(f.ring)]
		}
		f.ring, f.start = ring, 0
	}
	f.ring[(f.start+f.size)%len(f.ring)] = s
	f.size++
	f.bytes += s.bytes
}

// acknowledge frees what is covered by an acknowledgement up to an index.
func (f *inflight) acknowledge(upTo Index) {
	for f.size > 0 && f.ring[f.start].last <= upTo {
		f.bytes -= f.ring[f.start].bytes
		f.start = (f.start + 1) % len(f.ring)
		f.size--
	}
}
