package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ben-ng/gaggle"
)

func restoreCommand() *cobra.Command {
	var (
		r      gaggle.Restoration
		asJSON bool
	)
	c := &cobra.Command{
		Use:   "restore FILE DIR --id NAME --members NAME,NAME,…",
		Short: "Make a node's directory from a backup",
		Long: `Verifies a backup, and makes of it the directory of a node of a new cluster, in which
everything in the backup is committed. It is done for each member, on the machine where it is
to live, with the same file, --members, --name and --token:

  gaggle restore b.gaggle data-a --id a --members a,b,c     (and so on for b and c)
  gaggle join tcp://host1:7001,host2:7001,host3:7001 --size 3 --dir data-a

As soon as a majority of the members runs, the cluster goes on. What the old cluster
acknowledged after the backup was taken is not in the new one.

The directory has to be empty, or not to be there. If it is interrupted, no node starts in
what is there: empty it, and begin anew. Whoever restores the same file a second time, while
nodes of the first may live, says another --token, so that the two do not take each other for
members.

The exit status is 0 if the node can be started, and 1 if not.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("restore takes a file and a directory, and got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Dir = args[1]
			return restore(args[0], r, &logReport{w: cmd.OutOrStdout(), json: asJSON})
		},
	}
	c.Flags().StringVar(&r.ID, "id", "", "what to call this node (required)")
	c.Flags().StringSliceVar(&r.Members, "members", nil, "what all nodes of the new cluster are called (required)")
	c.Flags().StringVar(&r.Name, "name", "", "the new cluster's name (default that of the old one)")
	c.Flags().StringVar(&r.Token, "token", "", "any text, that tells this cluster from another one restored from the same file")
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON object a line")
	_ = c.MarkFlagRequired("id")
	_ = c.MarkFlagRequired("members")
	return c
}

// restoredNode is the object that restore --json writes.
type restoredNode struct {
	Event string        `json:"event"`
	Dir   string        `json:"dir"`
	Node  gaggle.NodeID `json:"node"`
	Size  int           `json:"size"`
}

func restore(path string, to gaggle.Restoration, r *logReport) error {
	f, err := os.Open(path) //nolint:gosec // which the user has named
	if err != nil {
		return err
	}
	id, err := gaggle.Restore(f, to)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	r.say(restoredNode{"restored", to.Dir, id, len(to.Members)},
		"%s is where node %s lives, of a cluster of %d: %s", to.Dir, id, len(to.Members), strings.Join(to.Members, ", "))
	return r.err
}
