# make help says what there is. Everything runs in .venv, which the first target makes by itself
# from the lock files; only python3 (3.11 or newer) with venv, and make, must be there.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# No registry's address in the lock files: whoever installs has their own.
LOCK   := --universal --python-version 3.11 --generate-hashes --upgrade --no-header \
          --no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help demo demo-cluster check lint test controlplane runsc node e2e-node helm deploy sbom checkov applications \
	verify-facts tables bench bench-cluster docs site plugin-archive lock clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## the webhook on loopback, and what people at kubectl create read (no cluster)
	@$(BIN)/python -m tests.demo

demo-cluster: $(VENV)/.dev controlplane ## the same with a real API server and the real kubectl
	@$(BIN)/python -m tests.demo.cluster

check: lint ## seconds, no network: lint and the quick tests
	$(BIN)/pytest -q -m "not slow and not controlplane and not runsc and not node and not helm and not browser"

lint: $(VENV)/.dev ## style, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint tables controlplane runsc node helm ## all tests: the real API server, runsc, node and helm
	$(BIN)/pytest -q --durations=20

controlplane: ## build etcd, kube-apiserver, kubectl, kube-controller-manager (about 7 min cold)
	tests/controlplane/build

runsc: ## build gVisor's runsc (about 3 min cold), and fetch Debian's two releases of it
	tests/runsc/build

node: controlplane runsc ## build kubelet, containerd and gVisor's shim for it (about 4 min more cold)
	tests/node/build

e2e-node: $(VENV)/.dev node ## kubectl create to a pod in gVisor, on a real node in namespaces (needs root)
	$(BIN)/pytest -q -m node tests/node

helm: ## build helm and kube-score for deploy/chart (about 3 min cold)
	tests/helm/build

deploy: $(VENV)/.dev helm ## render deploy/install.yaml and deploy/register.yaml from the chart
	$(BIN)/python -m tests.deploy.rendered

DIST ?= dist
sbom: ## write dist/runtimegate.cdx.json, the CycloneDX bill of what the image holds
	$(PYTHON) -m venv .build/sbom
	.build/sbom/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r deploy/sbom.lock
	mkdir -p $(DIST)
	.build/sbom/bin/python -m cyclonedx_py requirements requirements.lock --pyproject pyproject.toml \
		--output-reproducible --of JSON -o $(DIST)/runtimegate.cdx.json

checkov: ## install checkov for deploy/*.yaml, from its lock (under a minute, 200 MB)
	$(PYTHON) -m venv .build/checkov
	.build/checkov/bin/python -m pip install -q --no-compile --disable-pip-version-check \
		--require-hashes -r tests/deploy/checkov.lock

applications: ## unpack Debian's servers for tests/applications (1 GB to fetch; needs root)
	tests/applications/build

verify-facts: $(VENV)/.dev runsc ## run every probe under every runsc and natively, against the table
	$(BIN)/python -m tests.facts.verify $(WRITE)

tables: $(VENV)/.runtime ## compile the compatibility table again (an install does; edited rows are read as YAML)
	@$(BIN)/python -m webhook.live.compile

bench: $(VENV)/.dev ## the benchmarks; the figures of this machine
	$(BIN)/python -m tests.bench

bench-cluster: $(VENV)/.dev controlplane ## a cluster of 10,000 namespaces and 5,000 nodes against an empty one
	@$(BIN)/python -m tests.bench cluster

docs: $(VENV)/.dev ## render docs/compatibility and docs/reference from the tables and the code
	$(BIN)/python -m tests.docs

site: ## build the pages as a site in dist/site; a warning, a lost link or anchor is an error
	$(PYTHON) -m venv .build/site
	.build/site/bin/pip install -q --disable-pip-version-check --require-hashes -r docs/requirements.lock
	.build/site/bin/sphinx-build -q -W --keep-going -n -c docs -d .build/site/doctrees . dist/site

plugin-archive: $(VENV)/.dev ## build the kubectl plugin's archives and krew manifest in dist/krew
	$(BIN)/python -m tests.deploy.krew $(if $(URL),--url $(URL))

lock: ## write the lock files anew from pyproject.toml
	$(PYTHON) -m venv .build/lock
	.build/lock/bin/pip install -q uv
	.build/lock/bin/uv pip compile -q pyproject.toml $(LOCK) -o requirements.lock
	.build/lock/bin/uv pip compile -q pyproject.toml --extra dev $(LOCK) -c requirements.lock -o requirements-dev.lock
	echo 'setuptools>=77' | .build/lock/bin/uv pip compile -q - $(LOCK) -o deploy/image-build.lock
	printf 'sphinx>=9\nmyst-parser>=5\nfuro>=2025.12\n' | \
		.build/lock/bin/uv pip compile -q - $(LOCK) -o docs/requirements.lock
	echo 'cyclonedx-bom>=7' | .build/lock/bin/uv pip compile -q - $(LOCK) -o deploy/sbom.lock
	echo 'checkov>=3.3' | .build/lock/bin/uv pip compile -q - $(LOCK) -o tests/deploy/checkov.lock

clean: ## remove what make made, but for the control plane's programs (.build)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info \
		webhook/data/compat.compiled

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "runtimegate needs Python 3.11 or newer: make PYTHON=python3.11 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml setup.py | $(BIN)/python
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
