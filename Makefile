# The verbs of this project. Each is also a plain command, as shown by `make -n VERB`.

LINT_VERSION = v2.15.0
FUZZ_TIME = 100000x
SIM_FUZZ_TIME = 5000x

# Beyond what any package takes on a slow and busy machine: it is for tests that hang.
TEST_TIMEOUT = 20m

FOR = 3m
DIR = .

.PHONY: check test race lint fuzz sim sim-coverage mutants layers torture proof proof-guards solvers explore explore-long bench bench-peers bench-durable explore-founding demo golden

check: lint test race proof explore fuzz ## everything that has to pass before a change lands

test: ## all tests
	go test -timeout $(TEST_TIMEOUT) ./...
	go -C bench test .

# Packages in whose tests nothing goes on at the same time as anything else: the race detector
# would find nothing there, and takes as long as for all others.
ONE_GOROUTINE = raft|founding|wire|trace|conform|mutants|mutants/hunt|sim/reach|spec|spec/finite|spec/follow|spec/prove

race: ## all tests but those of one goroutine, under the race detector (needs a C compiler)
	go test -race -short -timeout $(TEST_TIMEOUT) $$(go list ./... | grep -Ev 'gaggle/($(ONE_GOROUTINE))$$')

lint: bin/golangci-lint ## formatting, vet and the linters of .golangci.yml
	test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go vet ./...
	bin/golangci-lint run ./...
	cd bench && ../bin/golangci-lint run ./...

bin/golangci-lint:
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

# FUZZ_TIME is a number of inputs and not a duration, because `go test` may report a
# duration that runs out while an input is being tried as a failure ("context deadline
# exceeded") where nothing was found. An input in simulated time is a whole run, so there
# are fewer, and no time goes into making the interesting ones smaller.
fuzz: ## every fuzz target with FUZZ_TIME inputs each, those in simulated time with SIM_FUZZ_TIME
	@set -e; for package in $$(go list ./...); do \
		case $$package in */sim|*/gaggletest) limits="-fuzztime $(SIM_FUZZ_TIME) -fuzzminimizetime 1x";; *) limits="-fuzztime $(FUZZ_TIME)";; esac; \
		for target in $$(go test -list '^Fuzz' $$package | grep ^Fuzz); do \
			go test $$package -run '^$$' -fuzz "^$$target\$$" $$limits; \
		done; \
	done

sim: ## the simulator: how fast it is, and a search for FOR from a new seed
	go test ./sim -run '^$$' -bench . -benchtime 10x
	go run ./cmd/gaggle fuzz --for $(FOR)

sim-coverage: ## what of the core, the engine and founding no run of the simulator reaches
	mkdir -p bin
	go test ./sim -run NothingIsFound -runs 500 -coverpkg=./raft,./engine,./founding -covermode=count -coverprofile=bin/reached
	go run ./sim/reach bin/reached

mutants: ## plants every known mistake in a copy, and says what finds it: tests, and the simulator (an hour and more)
	go run ./mutants -layers scripts,safety,invariants,checker

layers: ## the same by every layer of tests, into docs/mutants.md; goes on where it was interrupted (some hours)
	mkdir -p bin
	go run ./mutants -results bin/layers.json; found=$$?; \
		go run ./mutants -results bin/layers.json -document docs/mutants.md && exit $$found

torture: FOR = 60s
torture: ## five real processes for FOR, killed, paused, cut off and with full disks
	go run ./torture -for $(FOR)

proof: solvers ## the proof of spec by two solvers, and runs that show that its models do something (5 minutes)
	go run ./spec/prove -t 10m
	go run ./spec/prove -t 10m -solver z3 -traces

proof-guards: solvers ## takes each requirement of an action away: the proof has to break (half an hour)
	go run ./spec/prove -guards -t 5m

explore: ## looks at ten million states of spec's model of Raft, three of that of changing members, and at those near their runs (2 minutes)
	go run ./spec/explore -build bin/explore -writes 6 -messages 3
	bin/explore -states 10000000
	go run ./spec/explore -build bin/explore -learners 1 -writes 8 -messages 3 -indexes 3 -reads 1
	for run in $$(sed -n 's/^trace \(.*\):$$/\1/p' spec/raft.runs.epr); do \
		echo "near the end of $$run:"; bin/explore -from $$run -invariants -states 40000 || exit 1; \
	done
	go run ./spec/explore -build bin/explore -model membership -voters 4 -terms 4 -indexes 5 -members abc,abd
	bin/explore -states 3000000
	for run in $$(sed -n 's/^trace \(.*\):$$/\1/p' spec/membership.runs.epr); do \
		echo "near the end of $$run:"; bin/explore -from $$run -invariants -states 40000 || exit 1; \
	done

# A state takes eleven bytes of memory; those to go on from wait in TMPDIR, of which it takes some
# fifteen gigabytes.
explore-long: ## looks at a thousand million states of spec's model of Raft (an hour and more, 15 GB of memory)
	go run ./spec/explore -build bin/explore -writes 8 -messages 4 -indexes 3 -reads 1
	bin/explore -states 1000000000 -depth 10

solvers: # from the system's packages, where there are none
	@command -v z3 >/dev/null && command -v cvc5 >/dev/null || \
		{ apt-get update && apt-get install -y --no-install-recommends z3 cvc5; }

bench: STATE_BYTES = 1073741824
bench: ## latencies and allocations by channel, and reads; on disk; to read back a log, and write a snapshot; snapshots of nodes with STATE_BYTES of state (a quarter of an hour, 8 GB)
	go test . -run '^$$' -bench . -benchtime 3s
	go test ./wal ./snapshot -run '^$$' -bench . -benchtime 1s
	TMPDIR=$(abspath $(DIR)) go test ./internal/state -run '^$$' -bench . -benchtime 1x -count 3 -timeout 30m -state.bytes $(STATE_BYTES)
	go -C bench run . -durable -dir $(abspath $(DIR)) -only gaggle -rounds 3

bench-peers: ## the table of README.md: Gaggle beside other libraries, medians of alternating runs
	go -C bench run .

bench-durable: ## the same with logs on disk, over TCP; DIR is where, on a disk that counts
	go -C bench run . -durable -dir $(abspath $(DIR))

explore-founding: ## every order of events in founding, on a larger scope (7 minutes, 4 GB)
	go test ./founding -run NoOrder -v -timeout 1h -founding.rounds 2

demo: ## a cluster in one process
	go run ./cmd/gaggle demo

golden: ## record the expected outputs of scripted tests and formats again
	go test ./raft ./wire -update
