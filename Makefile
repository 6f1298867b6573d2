# Two commands: `make demo` and `make test`. Both set up .venv first; a second call starts at once.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
TORCH := 2.13.0

.PHONY: setup demo figure test test-all bench lock help clean

setup: $(READY)  ## .venv, from the lock

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("paralab needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	@touch $@

demo: setup  ## the main job: 150 runs of six methods, a table, a figure, a page
	$(BIN)/paralab train experiment=label_efficiency
	@$(BIN)/paralab report label_efficiency
	@echo && echo "(for these commands first: source .venv/bin/activate)"

figure: demo  ## the demo's figure into docs/, for the README
	cp experiments/label_efficiency/report/label_efficiency.svg docs/

test: setup  ## style, types, layers, and the tests that are not slow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 -m "not slow"

test-all: setup  ## every test, the slow ones too
	$(BIN)/pytest -n 2

bench: setup  ## ratios side by side; exit 1 below what must be reached
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/doors.py
	$(BIN)/python benchmarks/sweep.py
	$(BIN)/python benchmarks/bootstrap.py
	$(BIN)/python benchmarks/report.py

lock:  ## constraints.txt anew: the newest versions that pyproject.toml admits, torch exactly
	rm -rf .lock && $(PYTHON) -m venv .lock
	.lock/bin/python -m pip install --quiet --disable-pip-version-check torch==$(TORCH) -e '.[all,dev]'
	.lock/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt
	rm -rf .lock

help:  ## this list
	@grep -hE "^[a-z-]+:.*##" Makefile | sed -E "s/:.*## /: /"

clean:  ## remove what make made (not experiments)
	rm -rf .venv .lock dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
