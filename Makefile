# Every target makes .venv by itself, from a plain python3 of at least 3.11. `make` lists the targets.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo demo-rfm test check format bench bench-smoke docs docs-serve reference acceptance-long lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

# The stamp depends on what is installed: a changed lock or pyproject installs again, into the same folder.
$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "augury needs python3 >= 3.11; try: make PYTHON=python3.11 setup")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -qq --disable-pip-version-check --no-deps -r requirements.lock
	$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

setup: $(READY) ## make .venv with everything that the other targets need

demo: $(READY) ## the example ltv from nothing to 30 published dates, in under 3 minutes
	@.ci/demo ltv

demo-rfm: $(READY) ## the example rfm, SQL alone: 30 published dates
	@.ci/demo rfm

test: $(READY) ## all tests but the slow ones: what CI runs
	$(PYTEST) -n 2 --dist loadfile -m "not slow"

# One process for the tests: most of their time is imports, which a second one would repeat.
check: $(READY) ## format, lint, types, architecture and unit tests, in under a minute
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(PYTEST) -q tests/unit tests/architecture

format: $(READY) ## write the code in the agreed form
	$(BIN)/ruff check --quiet --fix .
	$(BIN)/ruff format .

bench: $(READY) ## augury against a hand-written script on the same data; prints ratios, takes minutes
	$(BIN)/python -m benchmarks

bench-smoke: $(READY) ## the benchmarks on a few rows: do they run, do the results agree?
	$(BIN)/python -m benchmarks --smoke

docs: $(READY) ## build the documentation into site/, strictly
	$(BIN)/python docs/generate.py --check
	$(BIN)/mkdocs build --strict

docs-serve: $(READY) ## read the documentation at http://127.0.0.1:8000
	$(BIN)/mkdocs serve

reference: $(READY) ## write the generated pages of docs/reference again
	$(BIN)/python docs/generate.py

acceptance-long: $(READY) ## the long form of the slow tests: 500 processes killed, and more
	$(PYTEST) -m slow

lock: ## pin the newest versions that pyproject.toml allows in requirements.lock
	rm -rf build/lock
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet --upgrade pip
	build/lock/bin/pip install --quiet --group dev -e '.[all]'
	{ echo '# Everything that CI installs, pinned by `make lock`.'; build/lock/bin/pip freeze --exclude-editable; } > requirements.lock
	rm -rf build/lock

clean: ## remove what can be made again, .venv excepted
	rm -rf build dist site demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf
