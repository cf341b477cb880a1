# Two commands for a newcomer: `make run` and `make test`. Both install what they need and say what.
# Debian 12, Rust 1.95 or newer, Node 20.19 or newer.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO_DENY_VERSION := 0.20.2
CARGO_FUZZ_VERSION := 0.13.2
FUZZ_SECONDS ?= 60
TOOLS := $(CURDIR)/target/tools
BIN := target/release/skypicket
DEBUG_BIN := target/debug/skypicket
# The same build as that of the tests: by itself the program would be built again with fewer features of what it rests on.
DEBUG_BUILD := cargo test --workspace --locked --no-run
# No folder of this machine is in the program: the same commit and tools give the same bytes wherever it is built.
CARGO_HOME ?= $(HOME)/.cargo
RUST_SYSROOT := $(shell rustc --print sysroot 2>/dev/null)
REPRODUCIBLE := RUSTFLAGS="--remap-path-prefix=$(CURDIR)=/skypicket --remap-path-prefix=$(CARGO_HOME)=/cargo --remap-path-prefix=$(RUST_SYSROOT)=/rust" \
	CFLAGS="-ffile-prefix-map=$(CURDIR)=/skypicket -ffile-prefix-map=$(CARGO_HOME)=/cargo"
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)

.PHONY: help run test bench bench-remote-id fuzz soak build web check fmt lint unit browser docs deny tools clean pictures test-security built checks cap-check eval eval-check bench-peers deb sbom package-test

help: ## what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

run: tools build ## build everything and start the exercise on 127.0.0.1:8080
	@echo "Open the sign_in address below in a browser; the field page is at /field/."
	$(BIN) serve --exercise first-light --data data --listen 127.0.0.1:8080

build: web ## release build of the one binary, pages inside
	$(REPRODUCIBLE) cargo build --release --locked -p skypicket

test: tools lint deny built ## everything that CI runs
	$(MAKE) -j2 unit checks
	$(MAKE) browser
	@echo "all of: format, clippy, deny, unit, property, real binary, CAP by other programs, scores by the evaluation kit, package, docs, browser"

tools: ## check versions and install what is missing
	@scripts/tools

web: web/dist/index.html ## the two faces

web/node_modules/.stamp: web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.stamp $(WEB_SOURCES)
	cd web && npm run build
	@touch $@

fmt: ## format
	cargo fmt --all

lint: web
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cd web && npm run check

built: web
	$(DEBUG_BUILD)

# Beside the tests, which wait for programs and disks half of their time.
checks: cap-check eval-check package-test docs

# Tests of the real binary mostly wait for it; faults are run one after the other whatever stands here.
unit: web ## unit, property and real-binary tests
	RUST_TEST_THREADS=$${RUST_TEST_THREADS:-4} cargo test --workspace --locked
	cd web && npm test

cap-check: built ## our CAP by other programs: xmlsec1, the OASIS schemas, two readers from PyPI
	@scripts/cap-check $(DEBUG_BIN) target/debug/examples/signed_alert $(TOOLS)

eval-check: built ## our scenes and scores beside the evaluation kit's, where the kit is (SKYPICKET_KIT)
	@scripts/eval-check $(DEBUG_BIN) target/debug/examples/toy_tracks $(TOOLS)

eval: build ## the tracker's accuracy, speed and memory with tables and pictures into docs/tracking-results.md (ten minutes)
	@mkdir -p target/eval
	cargo bench --locked -p skypicket-sim --bench line -- --json $(CURDIR)/target/eval/line.jsonl
	cargo bench --locked -p skypicket-sim --bench memory -- --json $(CURDIR)/target/eval/memory.jsonl
	@scripts/eval $(BIN) $(TOOLS) target/eval

bench-peers: build ## our tracker beside Stone Soup from PyPI on the same files (five minutes); not part of test
	@scripts/bench-peers $(BIN) $(TOOLS) target/eval

deny: ## licences, sources, bans; advisories where their database can be reached
	@scripts/deny $(TOOLS) $(CARGO_DENY_VERSION)

docs: ## the manual
	cd docs && npm ci --no-audit --no-fund && npm run build

browser: built ## the pages in Chromium, against the real binary
	cd web && npm run test:browser
	cd web && SKYPICKET_BIN=$(CURDIR)/$(DEBUG_BIN) npm run test:real

deb: build ## the Debian package of this machine's architecture, into target/deb
	@! grep -qaF -e "$(CURDIR)" -e "$(CARGO_HOME)/registry" $(BIN) || { echo "a folder of this machine is in $(BIN): it is not reproducible" >&2; exit 1; }
	@scripts/deb target/deb

sbom: ## what is in the program (CycloneDX JSON), into target/sbom.cdx.json
	@mkdir -p target
	node scripts/sbom.mjs > target/sbom.cdx.json
	@scripts/sbom-check target/sbom.cdx.json

package-test: built ## the package: reproducible, installed, started, upgraded, removed, in a root of its own
	SKYPICKET_BIN=$(DEBUG_BIN) scripts/package-test

pictures: web ## the pictures of README and manual, taken from the running exercise (four minutes)
	cargo build --locked -p skypicket
	cd web && SKYPICKET_BIN=$(CURDIR)/$(DEBUG_BIN) npm run pictures

bench: build ## benchmarks, as ratios measured in one run
	cargo bench --workspace --locked

bench-remote-id: ## the Remote ID decoder beside the C reference library, in one run (a C compiler is needed)
	@scripts/bench-remote-id

fuzz: ## each fuzz target for FUZZ_SECONDS (60); FUZZ_TARGETS="a b" for some of them
	@scripts/fuzz $(TOOLS) $(CARGO_FUZZ_VERSION) $(FUZZ_SECONDS) $(FUZZ_TARGETS)

soak: web ## long fault tests: 1,000 kills, then the simulator of delivery for SOAK_MINUTES (10)
	cargo test --release --locked -p skypicket --test behaviour -- --ignored a_record_of_a_million --nocapture
	SKYPICKET_KILLS=1000 cargo test --release --locked -p skypicket --test faults -- kill --nocapture
	cargo test --release --locked -p skypicket-sim --test it -- --ignored soak --nocapture

test-security: tools web ## hostile and lawful requests made from the OpenAPI document, some minutes; not part of test
	cargo build --locked -p skypicket
	scripts/test-security $(DEBUG_BIN) $(TOOLS)

clean: ## remove what was built
	cargo clean
	rm -rf web/dist web/node_modules docs/node_modules docs/.vitepress/dist
