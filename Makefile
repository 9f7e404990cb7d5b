PYTHON ?= python3
BIN = .venv/bin

.PHONY: install test test-quick lint bench demo train-demo clean

install: .venv/installed

.venv/installed: setup.cfg pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,dev]'
	touch $@

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-quick: install
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m 'not full'

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install
	$(BIN)/python benchmarks/engines.py

demo: install
	$(BIN)/enformer-vep demo demo --overwrite

train-demo: install
	$(BIN)/python tools/train_demo.py --model enformer_vep/demo/model --overwrite

clean:
	rm -rf .venv demo train-demo build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
