# `make setup` needs Python 3.11 and a package index, nothing else.
PYTHON ?= python3.11
BIN := .venv/bin
DEMO_FLAGS ?=
# All but `playground`, which excludes `brax`, `sb3`, whose PyTorch is large, and `legacy`, which is PyTorch.
EXTRAS := brax dev docs figures gymnax parquet ray render tensorboard video watch

.PHONY: help setup demo docs test lint types layers tests lock clean

help: ## List the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: .venv/.installed ## Create .venv with the locked set of packages

.venv/.installed: requirements.lock pyproject.toml
	@echo "Creating .venv with the locked packages (about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## Train a small population on the paper's reacher, in under four minutes
	$(BIN)/bgpbt train --env reacher --pop-size 4 --n-init 8 --quantile-fraction 0.25 \
	  --t-ready 160_000 --max-timesteps 1_600_000 --num-envs 512 --num-minibatches 8 \
	  --policy 2 32 --value 2 64 --exist overwrite $(DEMO_FLAGS)

docs: setup ## Build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open site/index.html"

test: setup lint types layers tests ## Run all checks

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

layers: setup
	$(BIN)/lint-imports

tests: setup
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lock: setup ## Resolve the newest allowed versions into requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 $(EXTRAS:%=--extra %) --no-emit-index-url \
	  --no-emit-find-links --upgrade pyproject.toml requirements.in --output-file requirements.lock

clean: ## Remove the environment and all caches
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
