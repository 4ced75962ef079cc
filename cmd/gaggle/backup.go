package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/backup"
	"github.com/ben-ng/gaggle/channel/tcp"
	"github.com/ben-ng/gaggle/vfs"
)

type backupOptions struct {
	name   string
	listen string
	verify bool
	json   bool
}

func backupCommand() *cobra.Command {
	var o backupOptions
	c := &cobra.Command{
		Use:   "backup tcp://HOST:PORT[,HOST:PORT…] FILE",
		Short: "Write all that a running cluster has agreed on to a file",
		Long: `Asks a member of a running cluster for everything that was acknowledged by now, and writes
it to a file, while the cluster goes on. The URL is that of gaggle join; of the nodes that
are not listed those are found that the others know. Members have to reach this process, as
they do each other: it listens where --listen says, else on any port.

The file takes its place when all of it is there and on the disk; a file of its name that
was there before is replaced then, and not before. If the member that is asked goes away
meanwhile, another one is asked from the beginning, three times at most.

With --verify FILE it only reads a file, and says what is in it and whether all of it is as it
was written. gaggle restore makes a new cluster of one.

The exit status is 0 if the file is a whole backup, and 1 if not.`,
		Args: func(_ *cobra.Command, args []string) error {
			if o.verify && len(args) != 1 {
				return fmt.Errorf("backup --verify takes one file, and got %d", len(args))
			}
			if !o.verify && len(args) != 2 {
				return fmt.Errorf("backup takes a channel URL, tcp://HOST:PORT[,HOST:PORT…], and a file, and got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			out := &logReport{w: cmd.OutOrStdout(), json: o.json}
			if o.verify {
				return verifyBackup(args[0], out)
			}
			return takeBackup(cmd.Context(), args[0], args[1], o, newLog(cmd.ErrOrStderr(), o.json), out)
		},
	}
	c.Flags().StringVar(&o.name, "name", gaggle.DefaultName, "the cluster's name")
	c.Flags().StringVar(&o.listen, "listen", "", "the address to listen on, HOST:PORT")
	c.Flags().BoolVar(&o.verify, "verify", false, "verify a file, and write none")
	c.Flags().BoolVar(&o.json, "json", false, "write one JSON object a line")
	return c
}

// backupFound is the object that backup and restore write with --json.
type backupFound struct {
	Event    string          `json:"event"`
	File     string          `json:"file"`
	Bytes    int64           `json:"bytes"`
	Name     string          `json:"name"`
	Cluster  string          `json:"cluster"`
	Members  []gaggle.NodeID `json:"members"`
	First    gaggle.Index    `json:"first"`
	Last     gaggle.Index    `json:"last"`
	Term     gaggle.Term     `json:"term"`
	Snapshot gaggle.Index    `json:"snapshot,omitempty"`
	SHA256   string          `json:"sha256"`
}

// sayBackup writes what is in a file, which is whole.
func sayBackup(r *logReport, file string, i backup.Info) {
	found := backupFound{
		"backup", file, i.Size, i.Name, i.Cluster.String(), i.Configuration.Members(), i.Base.Index + 1,
		i.Last.Index, i.Last.Term, i.Snapshot.Index, fmt.Sprintf("%x", i.Sum),
	}
	state := ""
	if i.SnapshotSize > 0 {
		state = fmt.Sprintf("the state at entry %v, ", i.Snapshot)
	}
	r.say(found, "%s: %d bytes, %sentries %d to %v of cluster %q (%v) of %v; SHA-256 %x",
		file, i.Size, state, i.Base.Index+1, i.Last, i.Name, i.Cluster, i.Configuration, i.Sum)
}

func verifyBackup(path string, r *logReport) error {
	f, err := os.Open(path) //nolint:gosec // which the user has named
	if err != nil {
		return err
	}
	info, err := backup.Verify(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	sayBackup(r, path, info)
	return r.err
}

// backupTries is how often a backup is begun anew.
const backupTries = 3

func takeBackup(ctx context.Context, address, path string, o backupOptions, log *slog.Logger, r *logReport) (err error) {
	places, err := parseURL(address)
	if err != nil {
		return err
	}
	aside, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(aside.Name()) }() // which fails when it has its name
	defer func() { _ = aside.Close() }()           // which fails when it was closed
	var info backup.Info
	for range backupTries {
		if info, err = backupTo(ctx, places, o, log, aside); !begunAnew(err, aside) {
			break
		}
	}
	if err == nil {
		err = errors.Join(aside.Sync(), aside.Close())
	}
	if err == nil {
		err = os.Rename(aside.Name(), path)
	}
	if err == nil {
		err = syncParent(path)
	}
	if err != nil {
		return err
	}
	sayBackup(r, path, info)
	return r.err
}

// begunAnew reports whether another attempt may help: when a member has answered, and then
// did not any more. It empties the file for it.
func begunAnew(err error, aside *os.File) bool {
	if !errors.Is(err, backup.ErrGone) && !errors.Is(err, backup.ErrUnanswered) {
		return false
	}
	if at, seekErr := aside.Seek(0, io.SeekCurrent); seekErr != nil || at == 0 {
		return false
	}
	_, seekErr := aside.Seek(0, io.SeekStart)
	return errors.Join(seekErr, aside.Truncate(0)) == nil
}

// backupTo takes a backup, listening where it was told to, or else where it can.
func backupTo(ctx context.Context, places []string, o backupOptions, log *slog.Logger, w io.Writer) (backup.Info, error) {
	listen := o.listen
	if listen == "" {
		listen = anyPort(places)
	}
	return gaggle.Backup(ctx, tcp.New(listen, slices.Clone(places)...), w, gaggle.Name(o.name), gaggle.Logger(log))
}

// syncParent makes a new name durable.
func syncParent(path string) error {
	dir, err := vfs.OS(filepath.Dir(path))
	if err != nil {
		return err
	}
	return dir.Sync()
}
