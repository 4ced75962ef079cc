package engine

import (
	"context"
	"time"

	"github.com/ben-ng/gaggle/backup"
	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/wire"
)

// backupRetry is how long is waited where the node is not ready to give something.
const backupRetry = 100 * time.Millisecond

// A BackupSource is this node, asked for a backup from within its process. It is a
// backup.Source, for one goroutine.
type BackupSource struct {
	node *Node
	key  backupKey
}

// BackupSource makes the node a source of one backup.
func (n *Node) BackupSource() *BackupSource {
	return &BackupSource{node: n, key: backupKey{n.config.ID, n.backupTokens.Add(1)}}
}

// Outline is part of backup.Source. Errors: ErrStandby, ErrClosed, that of the context.
func (s *BackupSource) Outline(ctx context.Context) (wire.ClusterID, *wire.BackupOutline, error) {
	n := s.node
	for {
		m, err := s.ask(ctx, func(reply func(any)) {
			switch n.founder.State() {
			case founding.Fresh:
				reply(&wire.BackupPart{Status: wire.BackupBusy})
			case founding.Standby:
				reply(n.failure("backup", ErrStandby, n.founder.Waiting()))
			case founding.Member:
				n.beginBackup(s.key, reply)
			}
		})
		if err != nil {
			return wire.ClusterID{}, nil, err
		}
		if outline, ok := m.(*wire.BackupOutline); ok {
			return n.Status().ClusterID, outline, nil
		}
		if err := s.rest(ctx); err != nil {
			return wire.ClusterID{}, nil, err
		}
	}
}

// Part is part of backup.Source.
func (s *BackupSource) Part(ctx context.Context, ofSnapshot bool, from uint64) ([]byte, error) {
	for {
		m, err := s.ask(ctx, func(reply func(any)) {
			s.node.backupPartAsked(s.key, &wire.FetchBackupPart{Token: s.key.token, OfSnapshot: ofSnapshot, From: from}, reply)
		})
		if err != nil {
			return nil, err
		}
		switch part := m.(*wire.BackupPart); part.Status {
		case wire.BackupHere:
			return part.Data, nil
		case wire.BackupGone:
			return nil, backup.ErrGone
		case wire.BackupBusy:
		}
		if err := s.rest(ctx); err != nil {
			return nil, err
		}
	}
}

// ask has a turn answer a question.
func (s *BackupSource) ask(ctx context.Context, question func(reply func(any))) (any, error) {
	n := s.node
	answer := make(chan any, 1)
	reply := func(m any) {
		select {
		case answer <- m:
		default: // it was answered
		}
	}
	if err := n.do(func() { question(reply) }); err != nil {
		return nil, n.failure("backup", err, "")
	}
	select {
	case m := <-answer:
		if err, failed := m.(error); failed {
			return nil, err
		}
		return m, nil
	case <-n.down:
		return nil, n.failure("backup", ErrClosed, "")
	case <-ctx.Done():
		return nil, n.gaveUp("backup", ctx.Err(), "what was written is no backup")
	}
}

// rest waits a moment.
func (s *BackupSource) rest(ctx context.Context) error {
	timer := time.NewTimer(backupRetry)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return s.node.gaveUp("backup", ctx.Err(), "what was written is no backup")
	}
}

// Close lets the node keep nothing for the backup any more.
func (s *BackupSource) Close() {
	n := s.node
	_ = n.do(func() {
		if b := n.backups.find(s.key); b != nil {
			n.endBackup(b)
		}
	})
}

var _ backup.Source = (*BackupSource)(nil)
