// Command bench measures Gaggle beside other Raft libraries, in the same run and with
// the same load: three nodes and so many appenders in one process, a closed loop at the
// leader, an operation ends when it is applied where it was proposed. The state machines
// do nothing.
//
// The runs of the competitors alternate, so that a machine that gets slower does so for
// all of them; what is printed are medians over the rounds, and the ratio to the best
// peer. Each run has a cluster of its own, and a tenth of the time to warm up. Entries
// are zeros of 16 B or 1 KiB.
//
// # In memory
//
// Nothing is kept on disk. Gaggle over memory sends every message as bytes of its wire
// format. The peers pass pointers within the process and encode nothing, which is the
// best they can do. allocs/op counts the allocations of all three nodes and of the
// appenders.
//
// # Durable
//
// With -durable, each node keeps its log in a directory of its own, below a new one in
// -dir, which is removed in the end, and nodes talk over TCP on loopback. An operation
// has then been written with fsync (or fdatasync) by two nodes at least. All three
// nodes write to the same disk. A directory in memory, where fsync costs nothing, is
// refused; whether the disk itself keeps what it says it has is beyond this program.
//
//   - gaggle: as a program has it, with Dir and the tcp channel.
//   - etcd: the core as a RawNode in one goroutine, which steps all waiting proposals as
//     one message; etcd's own package for the log, storage/wal; a plain TCP transport,
//     which encodes in goroutines of its own, written here, as etcd's belongs to its
//     server. The leader sends while it writes.
//   - hashicorp: with raft-wal, 1,024 entries a message, a buffered channel of proposals
//     (BatchApplyCh), 4,096 entries cached (LogCache), a state machine that takes
//     batches, and its own TCP transport.
//
// github.com/lni/dragonboat/v4, whose log is called Tan, belongs here too. It is missing as
// the module proxy did not have its latest version when this was written.
//
// The columns, besides rate and latencies:
//
//   - cpu s/Mop: seconds of CPU per million operations, of the whole process in user and
//     kernel mode: three nodes, the appenders, and the collection of garbage.
//   - log B/op: what an operation adds to the files of one node, on average of the three.
//     A file counts up to its last byte that is not zero, so that what is only reserved
//     does not; what is removed during a run is subtracted.
//   - disk B/op: what one node has the kernel write to the disk for an operation, on
//     average of the three: whole pages, each time that they are written, and all that is
//     written to reserve space. Counted on Linux only, else 0.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

// A cluster is three nodes of some library.
type cluster interface {
	// propose appends a value at the leader and returns when it is applied there. It is
	// safe for concurrent use.
	propose(value []byte) error
	close()
}

// A competitor is a library, or a way of using one.
type competitor struct {
	name string
	peer bool
	// open starts a cluster that keeps nothing outside of dir, which is new and empty.
	open func(dir string) (cluster, error)
}

// A comparison is competitors, and what is to be known of them.
type comparison struct {
	competitors []competitor
	columns     []column
}

// A column is a figure of the table.
type column struct {
	title  string
	digits int
	of     func(result) float64
}

var (
	rate = column{"op/s", 0, func(r result) float64 { return r.rate }}
	p50  = column{"p50 µs", 1, func(r result) float64 { return r.p50 }}
	p99  = column{"p99 µs", 1, func(r result) float64 { return r.p99 }}
)

var inMemory = comparison{
	competitors: []competitor{
		{"gaggle", false, openGaggle("memory", keepInMemory)},
		{"gaggle over TCP", false, openGaggle("tcp", keepInMemory)},
		{"etcd, all waiting proposals in one step", true, openEtcd},
		{"hashicorp", true, openHashicorp},
	},
	columns: []column{rate, p50, p99,
		{"allocs/op", 1, func(r result) float64 { return r.allocs }},
	},
}

var durable = comparison{
	competitors: []competitor{
		{"gaggle", false, openGaggle("tcp", keepOnDisk)},
		{"etcd, all waiting proposals in one step", true, openEtcdDurable},
		{"hashicorp with raft-wal", true, openHashicorpDurable},
	},
	columns: []column{rate, p50, p99,
		{"cpu s/Mop", 1, func(r result) float64 { return r.cpu }},
		{"log B/op", 0, func(r result) float64 { return r.kept }},
		{"disk B/op", 0, func(r result) float64 { return r.written }},
	},
}

func main() {
	rounds := flag.Int("rounds", 5, "how often each competitor runs each load")
	length := flag.Duration("for", 2*time.Second, "the length of a run")
	only := flag.String("only", "", "only competitors whose names begin with this")
	onDisk := flag.Bool("durable", false, "compare with logs on disk, over TCP")
	parent := flag.String("dir", ".", "with -durable: the directory below which the logs are kept for the time of a run")
	flag.Parse()

	c, place := inMemory, os.TempDir()
	if *onDisk {
		c, place = durable, *parent
		must(refuseMemory(place))
	}
	dir, err := os.MkdirTemp(place, "bench-")
	must(err)
	remove := func() { must(os.RemoveAll(dir)) }
	defer remove()
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	go func() {
		<-interrupts
		remove()
		os.Exit(1)
	}()
	must(bench{c.only(*only), *rounds, *length, dir}.run())
}

// only leaves only the competitors whose names begin with a prefix.
func (c comparison) only(prefix string) comparison {
	var kept []competitor
	for _, one := range c.competitors {
		if strings.HasPrefix(one.name, prefix) {
			kept = append(kept, one)
		}
	}
	return comparison{kept, c.columns}
}

// A bench runs a comparison.
type bench struct {
	comparison
	rounds int
	length time.Duration
	dir    string
}

func (b bench) run() error {
	fmt.Printf("%5s %9s", "bytes", "appenders")
	for _, c := range b.columns {
		fmt.Printf(" %10s", c.title)
	}
	fmt.Printf(" %12s\n", "to best peer")
	for _, size := range []int{16, 1024} {
		for _, appenders := range []int{1, 16, 256, 2048} {
			if err := b.compare(load{size, appenders}); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare runs the competitors in turn, and prints their medians.
func (b bench) compare(l load) error {
	results := make([][]result, len(b.competitors))
	for range b.rounds {
		for i, c := range b.competitors {
			r, err := b.measure(c, l)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			results[i] = append(results[i], r)
		}
	}
	best := 0.0
	for i, c := range b.competitors {
		if c.peer {
			best = max(best, median(results[i], rate.of))
		}
	}
	for i, c := range b.competitors {
		fmt.Printf("%5d %9d", l.size, l.appenders)
		for _, col := range b.columns {
			fmt.Printf(" %10.*f", col.digits, median(results[i], col.of))
		}
		ratio := "-"
		if best > 0 {
			ratio = fmt.Sprintf("%.2f", median(results[i], rate.of)/best)
		}
		fmt.Printf(" %12s  %s\n", ratio, c.name)
	}
	return nil
}

func median(results []result, field func(result) float64) float64 {
	if len(results) == 0 {
		return 0
	}
	values := make([]float64, len(results))
	for i, r := range results {
		values[i] = field(r)
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// measure runs a load once, in a directory that is gone afterwards.
func (b bench) measure(c competitor, l load) (result, error) {
	dir, err := os.MkdirTemp(b.dir, "run-")
	if err != nil {
		return result{}, err
	}
	defer func() { must(os.RemoveAll(dir)) }()
	return run(c, l, b.length, dir)
}
