package gaggle_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

// A backup is taken while the cluster goes on, and becomes a new one.
func ExampleNode_Backup() {
	ctx := context.Background()
	nodes, stop := three[string]()
	defer stop()
	if _, err := nodes[0].Append(ctx, "an egg"); err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer // usually one on another disk
	if _, err := nodes[2].Backup(ctx, &file); err != nil {
		log.Fatal(err)
	}

	dir, err := os.MkdirTemp("", "gaggle")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	home := filepath.Join(dir, "anna")
	_, err = gaggle.Restore(bytes.NewReader(file.Bytes()), gaggle.Restoration{Dir: home, ID: "anna", Members: []string{"anna"}})
	if err != nil {
		log.Fatal(err)
	}
	anna, err := gaggle.Join[string](ctx, memory.New(), gaggle.Size(1), gaggle.Local(), gaggle.Dir(home))
	if err != nil {
		log.Fatal(err)
	}
	defer anna.Close()
	for e, err := range anna.Entries(ctx) {
		fmt.Println(e.Value, err)
		break
	}
	// Output: an egg <nil>
}
