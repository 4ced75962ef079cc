package tcp

import "time"

// settings are the limits that tests shorten. The package comment promises the
// defaults.
type settings struct {
	// patience is how long a peer may take for what it should do at once: finish a
	// handshake, take a write, send anything at all.
	patience time.Duration
	// pingEvery is the time between pings. It is short beside patience, so that
	// silence is not mistaken for death.
	pingEvery time.Duration
	// minBackoff and maxBackoff bound the time between attempts to dial. The least
	// is a moment beside an election; the greatest is what a node that comes back
	// may wait before it is dialed.
	minBackoff, maxBackoff time.Duration
	// recheck is when an address that is of no use now is tried again. Who is
	// behind it may change, but rarely does.
	recheck time.Duration
	// forgetAfter is for how long a learned address may fail: longer than a reboot.
	forgetAfter time.Duration
	// maxAddresses is how many addresses may be known before no more are learned.
	// It is far more than a cluster has nodes.
	maxAddresses int
	// maxHandshakes and maxInbound limit accepted connections: those that have not
	// finished their handshake, and all. Every known address may be a node, with one
	// connection dying while its next one lives.
	maxHandshakes, maxInbound int
}

func defaults() settings {
	return settings{
		patience:      5 * time.Second,
		pingEvery:     time.Second,
		minBackoff:    50 * time.Millisecond,
		maxBackoff:    2 * time.Second,
		recheck:       time.Minute,
		forgetAfter:   10 * time.Minute,
		maxAddresses:  256,
		maxHandshakes: 64,
		maxInbound:    512,
	}
}

const (
	// maxUnanswered is how many pings may be unanswered.
	maxUnanswered = 5
	// gossipEvery is how many pings pass before the peers are told again. News is
	// told at once; this is for nodes that were cut off from each other for so long
	// that they have forgotten where the other was.
	gossipEvery = 30
)
