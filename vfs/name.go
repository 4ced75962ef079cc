package vfs

import (
	"fmt"
	"io/fs"
	"strings"
)

// lockFile is the file that is locked in place of the directory. List leaves it out.
const lockFile = "lock"

// checkName refuses what is not the name of a file in the directory itself. It is the same
// on all systems, so that what is tested on one works on the others.
func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return fmt.Errorf("%w: %q is not the name of a file", fs.ErrInvalid, name)
	case strings.ContainsAny(name, "/\\\x00"):
		return fmt.Errorf("%w: the name %q reaches out of the directory", fs.ErrInvalid, name)
	case name == lockFile:
		return fmt.Errorf("%w: the name %q is that of the directory's lock", fs.ErrInvalid, name)
	}
	return nil
}
