package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle"
)

func TestACommandLineThatIsWrongIsRefusedWithTheReason(t *testing.T) {
	for line, reason := range map[string]string{
		"demo --nodes 0":                          "--nodes 0: must be from 1 to " + strconv.Itoa(gaggle.MaxSize),
		"demo --nodes -1":                         "--nodes -1: must be from 1 to",
		"demo --nodes 1000":                       "--nodes 1000: must be from 1 to",
		"demo --nodes many":                       `"many" for "--nodes"`,
		"demo --channel pigeon":                   "--channel pigeon: must be memory or tcp",
		"demo --kill-leader --nodes 2":            "would have no majority; use 3 or more",
		"demo --speed 9":                          "unknown flag: --speed",
		"demo twice":                              `unknown command "twice"`,
		"perform":                                 `unknown command "perform"`,
		"join":                                    "join takes one channel URL, tcp://HOST:PORT[,HOST:PORT…], and got 0",
		"join tcp://h:1 tcp://h:2 --size 3":       "tcp://HOST:PORT[,HOST:PORT…], and got 2",
		"join tcp://h:1":                          `required flag(s) "size" not set`,
		"join tcp://h:1 --size three":             `"three" for "--size"`,
		"join tcp://h:1 --size 0":                 "--size 0: must be from 1 to 64",
		"join tcp://h:1 --size 3 --name=":         `Name(""): must have 1 to`,
		"join tcp://h:1 --size 3 --id " + longID:  "must have 1 to 64 bytes",
		"join udp://h:1 --size 3":                 "want tcp://HOST:PORT[,HOST:PORT…]",
		"join h:1 --size 3":                       "want tcp://HOST:PORT[,HOST:PORT…]",
		"join tcp:// --size 3":                    `"" in "tcp://" is not HOST:PORT`,
		"join tcp://h --size 3":                   `"h" in "tcp://h" is not HOST:PORT`,
		"join tcp://h:1,,i:2 --size 3":            `"" in "tcp://h:1,,i:2" is not HOST:PORT`,
		"join tcp://h:1/x --size 3":               `"h:1/x" in "tcp://h:1/x" is not HOST:PORT`,
		"join tcp://h:port --size 3":              `"h:port" in "tcp://h:port" is not HOST:PORT`,
		"join tcp://h:1 --size 3 --listen here":   "here",
		"backup":                                  "and got 0",
		"backup tcp://h:1":                        "and got 1",
		"backup h:1 file":                         "want tcp://HOST:PORT[,HOST:PORT…]",
		"backup --verify":                         "backup --verify takes one file, and got 0",
		"backup --verify /no/file":                "no such file",
		"backup tcp://h:1 /no/dir/file":           "no such file",
		"backup tcp://h:1 f --listen here":        "here",
		"restore file":                            "restore takes a file and a directory, and got 1",
		"restore file dir --members a":            `required flag(s) "id" not set`,
		"restore /no/file dir --id a --members b": "no such file",
	} {
		t.Run(line, func(t *testing.T) {
			o := runCommand(t.Context(), strings.NewReader(""), strings.Fields(line)...)
			if o.code != 1 || o.out != "" {
				t.Errorf("exit code %d, output %q; want 1 and none", o.code, o.out)
			}
			if !strings.HasPrefix(o.errs, "gaggle: ") || !strings.Contains(o.errs, reason) || strings.Count(o.errs, "\n") != 1 {
				t.Errorf("the message is %q, want one line with %q", o.errs, reason)
			}
			if strings.HasPrefix(o.errs, "gaggle: gaggle: ") {
				t.Errorf("the message %q says twice who speaks", o.errs)
			}
		})
	}
}

var longID = strings.Repeat("x", 65)

func TestHelpNamesEveryFlagAndTheExitStatus(t *testing.T) {
	for command, flags := range map[string]string{
		"demo":    "--nodes --channel --kill-leader --json 130",
		"join":    "--size --name --listen --id --json --status --exit 130 standby",
		"adopt":   "--yes status",
		"backup":  "--name --listen --verify --json status",
		"restore": "--id --members --name --token --json status",
	} {
		o := runCommand(t.Context(), strings.NewReader(""), command, "--help")
		if o.code != 0 {
			t.Errorf("%s --help: exit code %d", command, o.code)
		}
		for flag := range strings.FieldsSeq(flags) {
			if !strings.Contains(o.out, flag) {
				t.Errorf("%s --help does not say %s:\n%s", command, flag, o.out)
			}
		}
	}
}

func TestTheURLListsTheAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"tcp://h:1":            "h:1",
		"tcp://h:1/":           "h:1",
		"tcp://h:1,10.0.0.1:2": "h:1 10.0.0.1:2",
		"tcp://[::1]:7001,h:2": "[::1]:7001 h:2",
	} {
		places, err := parseURL(address)
		if got := strings.Join(places, " "); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", address, got, err, want)
		}
	}
}

func TestANodeWithoutAnAddressOfItsOwnListensWhereTheOthersReachIt(t *testing.T) {
	for places, want := range map[string]string{
		"127.0.0.1:1 localhost:2": "127.0.0.1:0",
		"[::1]:1":                 "127.0.0.1:0",
		"127.0.0.1:1 10.0.0.1:2":  ":0",
		"host:1":                  ":0",
	} {
		if got := anyPort(strings.Fields(places)); got != want {
			t.Errorf("beside %s it listens on %s, want %s", places, got, want)
		}
	}
}
