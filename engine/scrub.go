package engine

import (
	"github.com/ben-ng/gaggle/raft"
)

const (
	// scrubBytes is how much of the log is looked through at a time, and scrubHeartbeats how
	// many heartbeats lie between: 1 MiB a second on a LAN, which nobody notices, and a day
	// for 80 GiB.
	scrubBytes      = 1 << 20
	scrubHeartbeats = 20
)

// scrubber looks through what is on the disk for rot, before it matters: as long as a
// majority of the other disks still has what is damaged here.
type scrubber struct {
	at      raft.Index
	running bool
}

// tickScrub looks through the next piece of the log, when it is time.
func (n *Node) tickScrub() {
	s := &n.scrubber
	if n.home == nil || s.running || n.now%uint64(scrubHeartbeats*n.config.Raft.HeartbeatTicks) != 0 {
		return
	}
	s.running = true
	from := s.at
	n.job(IdleLane, func() {
		next, damaged, err := n.home.log.Scrub(from, scrubBytes)
		_ = n.do(func() {
			s.running, s.at = false, next
			n.diskTrouble(err)
			for _, p := range damaged {
				if n.core != nil && n.core.Holds(p) {
					n.mend(p)
				}
			}
		})
	})
}
