package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wal"
)

func adoptCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "adopt DIR",
		Short: "Let a node live in a copy of its directory",
		Long: `A node does not start in a copy of its directory: the original may be in use, and two
nodes that go by one identity would vote twice. Moved to another file system, or restored
from a copy of its files, a directory is a copy, too. If the original is gone for good,
this says that the node lives here from now on.

Without --yes it only says whose directory it is, and changes nothing. With --yes you
answer for it that the original is never used again, and that the node promised nothing in
it after the copy was made: stop the node first, then copy.

The exit status is 0 if the node may start in the directory, and 1 if not.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("adopt takes one directory, and got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return adopt(args[0], yes, cmd.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "adopt it: the original is gone for good")
	return c
}

func adopt(path string, yes bool, out io.Writer) (err error) {
	if _, err := os.Stat(path); err != nil {
		return err // to open it would make it
	}
	dir, err := vfs.OS(path)
	if err != nil {
		return err
	}
	lock, err := dir.Lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	id, err := wal.OpenIdentity(dir)
	if err == nil {
		_, err = fmt.Fprintf(out, "%s is where node %s of cluster %q lives already\n", dir.Path(), id.Node, id.Cluster)
		return err
	}
	if !errors.Is(err, wal.ErrCopied) {
		return err
	}
	if !yes {
		return fmt.Errorf("%w: if so, say --yes", err)
	}
	if id, err = wal.Adopt(dir); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s is where node %s of cluster %q lives from now on\n", dir.Path(), id.Node, id.Cluster)
	return err
}
