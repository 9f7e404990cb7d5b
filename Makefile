PYTHON ?= python3
BIN = .venv/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check

.PHONY: install test test-quick test-full lint bench docs demo train-demo dist try-wheel clean

install: .venv/developing

# What a run needs, and no more.
.venv/running: setup.cfg pyproject.toml
	@echo "Installing enformer-vep and what it needs into .venv; TensorFlow is the largest part of it."
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --editable .
	@touch $@

.venv/developing: .venv/running
	$(PIP) install --quiet --editable '.[test,dev,workflows,docs]'
	@touch $@

# Each of the two workers begins with its half of the tests, and takes over some of the other's when it is done. More than
# one thread of TensorFlow in each costs a fifth more time on two cores; the tests of test-full have as many as a run.
# Compiled modules are kept even where the environment says not to: tests start many interpreters.
ONE_THREAD = TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 OMP_NUM_THREADS=1
PYTEST = PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2

test: lint
	$(ONE_THREAD) $(PYTEST) --dist worksteal -m 'not full'

test-quick: install
	$(ONE_THREAD) $(PYTEST) --dist worksteal -m 'not full and not slow'

# Two at a time, handed out one by one or in groups that share what takes long to make: some compute, and those of
# workflows mostly wait.
test-full: install
	$(PYTEST) --dist loadgroup -m full

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	$(BIN)/python -m benchmarks.engines

docs: .venv/documenting
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

demo: .venv/running
	$(BIN)/enformer-vep demo demo --overwrite

train-demo: .venv/running
	$(BIN)/python tools/train_demo.py --model enformer_vep/demo/model --overwrite

# What is published: a source distribution, and the wheel that is built from it.
dist: .venv/releasing
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl

# An environment for each supported Python and extra, with the newest and the lowest versions: an hour and more.
try-wheel: dist
	$(BIN)/python tools/try_wheel.py dist/*.whl

.venv/documenting: .venv/running
	$(PIP) install --quiet --editable '.[docs]'
	@touch $@

.venv/releasing: .venv/running
	$(PIP) install --quiet --editable '.[release]'
	@touch $@

clean:
	rm -rf .venv site demo train-demo build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
