package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A file holds a Finding as JSON, for people to read, change and play again:
//
//	{"version": 2, "schedule": {…}, "violation": {…}}
type findingFile struct {
	Version   int        `json:"version"`
	Schedule  *Schedule  `json:"schedule"`
	Violation *Violation `json:"violation"`
}

// fileVersion is that of the files that are written, and the only one that is read. It
// rises when the same file would mean another run.
const fileVersion = 2

// maxFile is how long a file may be: twice as long as one with all the noise and Ops
// that there may be.
const maxFile = 4 << 20

// Write writes it as a file.
func (f *Finding) Write(w io.Writer) error {
	data, err := json.MarshalIndent(findingFile{fileVersion, f.Schedule, f.Violation}, "", "\t")
	if err == nil {
		_, err = w.Write(append(data, '\n'))
	}
	return err
}

// ReadFinding reads a file. The schedule is valid, whoever wrote it; whether it leads to
// the violation is for Run to say.
func ReadFinding(r io.Reader) (*Finding, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("sim: it is longer than %d bytes", maxFile)
	}
	var kind struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return nil, fmt.Errorf("sim: it is not a finding: %w", err)
	}
	if kind.Version == nil {
		return nil, errors.New(`sim: it is not a finding: there is no "version"`)
	}
	if *kind.Version != fileVersion {
		return nil, fmt.Errorf("sim: a finding of version %d, and only %d can be read", *kind.Version, fileVersion)
	}
	var file findingFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields() // a name that is misspelt should not pass for 0
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("sim: it is not a finding: %w", err)
	}
	if file.Schedule == nil || file.Violation == nil {
		return nil, errors.New(`sim: it is not a finding: "schedule" or "violation" is not there`)
	}
	if err := file.Schedule.Validate(); err != nil {
		return nil, err
	}
	return &Finding{file.Schedule, file.Violation}, nil
}
