# Needs Python 3.11 to 3.13, git and make; everything else is installed into .venv.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PROFILE ?= quick
OUT ?= build
NOTEBOOKS := $(wildcard notebooks/*.ipynb)
# Notebooks are kept without outputs; the same flags stand in .pre-commit-config.yaml.
STRIP := $(BIN)/python -m nbstripout --keep-id \
  --extra-keys "metadata.papermill metadata.widgets cell.metadata.papermill cell.metadata.execution"

.DEFAULT_GOAL := help
.PHONY: help setup run lab test lint check-notebooks format clean

help:
	@echo "make run     execute the lessons into build/ (PROFILE=quick, classroom or full)"
	@echo "make lab     open the lessons in JupyterLab"
	@echo "make test    every check: style, rooms, notebooks, unit tests, lessons"
	@echo "make setup   only make .venv with the pinned packages (PYTHON=... chooses the Python)"
	@echo "make lint    style, rooms and notebooks only"
	@echo "make format  put code and notebooks in order"
	@echo "make clean   remove results and caches; .venv stays"

setup: $(READY)

# An interrupted installation leaves no $(READY) behind and is taken up again.
$(READY): pyproject.toml constraints.txt
	@rm -f $(READY); \
	suitable='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; \
	if ! { $(BIN)/python -c "$$suitable" && $(BIN)/python -c "import pip"; } >/dev/null 2>&1; then \
	  found=; bare=; \
	  for python in $${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do \
	    $$python -c "$$suitable" >/dev/null 2>&1 || continue; \
	    if $$python -c "import ensurepip, venv" >/dev/null 2>&1; then found=$$python; break; fi; \
	    bare=$$python; \
	  done; \
	  if [ -z "$$found" ] && [ -n "$$bare" ]; then \
	    echo "$$bare cannot make a virtual environment: ensurepip is missing. On Debian or" \
	      "Ubuntu 'sudo apt install python3-venv' adds it; PYTHON=... names another Python." >&2; \
	    exit 1; \
	  fi; \
	  if [ -z "$$found" ]; then \
	    echo "No Python 3.11, 3.12 or 3.13 found among: $${PYTHON:-python3 python3.13" \
	      "python3.12 python3.11 python}. Install one, or name it:" \
	      "make setup PYTHON=/path/to/python3.12" >&2; \
	    exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$($$found --version)."; \
	  $$found -m venv --clear $(VENV) || exit 1; \
	fi
	@echo "Installing the pinned packages into $(VENV); the first time this takes some minutes."
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check -c constraints.txt \
	  "$$(grep '^torch==' constraints.txt)" -e '.[lessons,test]'
	@touch $(READY)

run: setup
	@$(BIN)/python -m ecglab run --profile $(PROFILE) --out $(OUT)

lab: setup
	@$(BIN)/python -m ecglab lab

# One thread for each worker: two workers share two cores.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests $(NOTEBOOKS) \
	  --nbval-lax --nbval-cell-timeout 300 -n 2 --dist loadfile

lint: setup check-notebooks
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/lint-imports --no-cache

check-notebooks: setup
	$(if $(NOTEBOOKS),$(STRIP) --verify $(NOTEBOOKS))

format: setup
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .
	$(if $(NOTEBOOKS),$(STRIP) $(NOTEBOOKS))

clean:
	rm -rf $(OUT) dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find ecglab tests notebooks -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf
