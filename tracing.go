package gaggle

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/trace"
)

// Trace writes down every step of the node's part in Raft to a file, for those who check what a
// cluster did, so that no message is sent before the file says so. It has no values in it, but
// hashes of them. What it costs is a write to the file, which is not synced, in each turn of the
// node, and room: some hundred bytes for each entry, and a few for each fifth of a heartbeat.
//
// A node that is started again in its Dir goes on with its file; without Dir each start is a new
// node, and needs a file of its own. Join refuses a file of another node, or that is damaged. If
// it cannot be written later, the Logger is told, and the node goes on without; the file says so,
// and Join refuses it from then on. One that has seen the power go is of no use.
func Trace(path string) Option {
	return option(func(s *settings) error {
		if path == "" {
			return errors.New("gaggle: Trace: the path is empty")
		}
		s.trace = path
		return nil
	})
}

// tracing opens the file that the node's steps go to, and has them go there; nil if there is none.
func (s *settings) tracing(config *engine.Config) (*trace.Writer, error) {
	if s.trace == "" {
		return nil, nil //nolint:nilnil // no trace is what such a node has
	}
	log := cmp.Or(s.log, slog.New(slog.DiscardHandler))
	w, err := trace.Open(s.trace, config.ID, func(err error) {
		log.Warn("the trace has stopped; the node goes on, and the file is not gone on with",
			slog.String("node", string(config.ID)), slog.String("file", s.trace), slog.Any("error", err))
	})
	if err != nil {
		return nil, &Error{Op: "join", Node: config.ID, Err: fmt.Errorf("the trace: %w", err), Hint: "give each node a file of its own, and put away one that cannot be gone on with"}
	}
	config.Raft.Tracer = w
	return w, nil
}
