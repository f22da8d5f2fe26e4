# Everything from a fresh clone: `make compare` and `make test` create .venv, install the pinned versions and run.
# ARGS goes to the command: make compare ARGS="--quick -i pytorch"

# The first Python that fits; PYTHON=... overrides.
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell $(p) -c \
	'import sys; (3, 11) <= sys.version_info < (3, 14) and print("$(p)")' 2>/dev/null)))
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadgroup
ARGS ?=

.PHONY: compare test test-exhaustive lint types check benchmark lessons clean

compare: .venv/installed
	$(BIN)/python compare.py $(ARGS)

test: .venv/installed
	$(PYTEST) $(ARGS)

# what takes too long for every day: all cases of what `test` tries on a few
test-exhaustive: .venv/installed
	$(PYTEST) -m exhaustive $(ARGS)

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed
	$(BIN)/mypy

check: lint types test

benchmark: .venv/installed
	$(BIN)/python -m benchmarks.speed $(ARGS)
	$(BIN)/python -m benchmarks.scaling
	$(BIN)/python -m benchmarks.convolution

# runs every lesson and writes it with its outputs; make lessons ARGS="1 2" runs two of them
lessons: .venv/installed
	$(BIN)/python -m lessons.build $(ARGS)

.venv/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11, 3.12 or 3.13 found; install one, or name it: make PYTHON=..." >&2; exit 1; }
	@echo "installing the pinned packages into .venv: some minutes, several GB"
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis samegrad.egg-info
