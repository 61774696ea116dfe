# `make up` is all that is needed: it installs what is missing, then starts everything on this machine.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# the pinned tzdata, never the machine's: zone rules are law
export PYTHONTZPATH :=

.PHONY: up demo test test-again search check check-deploy bench record-histories install clean
.DEFAULT_GOAL := up

up: $(STAMP)
	@exec $(BIN)/speedlead up

demo: $(STAMP)
	@exec $(BIN)/speedlead demo

# a file stays in one process: its tests share servers; the order of files is that of tests/order.py. Three processes for
# two processors, because the slow files wait more than they compute
test: $(STAMP)
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

# what failed in the last run, once more and alone; what passes now was a race with the machine or a rare one of ours
test-again: $(STAMP)
	@$(BIN)/pytest --last-failed --last-failed-no-failures none $(ARGS)

# the property tests with examples of the day instead of the same in every run
search: $(STAMP)
	@HYPOTHESIS_PROFILE=search $(BIN)/pytest -n 2 -m hypothesis $(ARGS)

check: $(STAMP)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

check-deploy: $(STAMP)
	@$(BIN)/python deploy/check.py

bench: $(STAMP)
	@$(BIN)/python -m bench $(ARGS)

record-histories: $(STAMP)
	@$(BIN)/python -m tests.replay.record $(ARGS)

install: $(STAMP)

# exact versions with hashes; the second run finds the stamp and does nothing
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv module is missing; on Debian or Ubuntu: apt install python3-venv" >&2; exit 2; }
	@test -x $(BIN)/python || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "$(VENV) was made by a Python that is gone or too old; remove it and try again" >&2; exit 2; }
	@echo "installing $$(grep -c '^[a-zA-Z0-9]' requirements.lock) packages (about half a minute, once)"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
