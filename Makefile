# The two commands: `make demo` and `make test`.  Each makes its own environment in .venv from the hash-locked
# requirements-dev.txt.  Needs Python 3.11 or later with venv (Debian: apt install python3-venv make).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILE = $(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.PHONY: demo test check lock clean

demo: $(VENV)/.ready
	$(BIN)/failover demo

test: $(VENV)/.ready check
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

check: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/.ready: requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed; try: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# Renew both lock files (run by hand, with Python 3.11): every version pinned, every file hashed, no host named.
# requirements.txt is what the daemon needs, requirements-dev.txt has the tools as well.
lock: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet pip-tools
	$(COMPILE) --extra build --output-file requirements.txt pyproject.toml
	$(COMPILE) --extra dev --output-file requirements-dev.txt pyproject.toml

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
