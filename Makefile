# The two commands: `make demo` and `make test`.  Each makes its own environment in .venv from the hash-locked
# requirements-dev.txt.  Needs Python 3.11 or later with venv (Debian: apt install python3-venv make).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPILE = $(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.PHONY: demo test check simulate crash lock clean

demo: $(VENV)/.ready
	$(BIN)/failover demo

test: $(VENV)/.ready check
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

check: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Kill the daemon at every durable and network system call of an incident (an hour; needs strace): docs/crash-sweep.md.
crash: $(VENV)/.ready
	$(BIN)/python -m bench.crash $(ARGS)

# What editors complete the configuration with, beside both copies of the example.
schema: $(VENV)/.ready
	mkdir -p build
	$(BIN)/failover schema > build/config.schema.json
	cp build/config.schema.json config.schema.json
	cp build/config.schema.json failover/config.schema.json

# Manual pages and shell completion, in build/man.
man: $(VENV)/.ready
	mkdir -p build/man
	$(BIN)/failover manual > build/man/failover.1
	$(BIN)/failover manual config > build/man/failover-config.5
	$(BIN)/failover completion bash > build/man/failover.bash
	$(BIN)/failover completion zsh > build/man/_failover
	$(BIN)/failover completion fish > build/man/failover.fish

# The package for Debian 12, in dist.  It makes an environment of its own, so nothing of .venv gets into it.
deb:
	$(PYTHON) deploy/deb/build.py

$(VENV)/.ready: requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed; try: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# Random lives of the daemon in virtual time (docs/simulator.md): HOURS=100000 SEED=1 PROCESSES=2
simulate: $(VENV)/.ready
	$(BIN)/python -m tests.simulator --hours $(or $(HOURS),20000) --processes $(or $(PROCESSES),2) $(if $(SEED),--seed $(SEED)) \
		$(if $(FIGURES),--figures $(FIGURES))

# Renew both lock files (run by hand, with Python 3.11): every version pinned, every file hashed, no host named.
# requirements.txt is what the daemon needs, requirements-dev.txt has the tools as well.
lock: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet pip-tools
	$(COMPILE) --extra build --output-file requirements.txt pyproject.toml
	$(COMPILE) --extra dev --output-file requirements-dev.txt pyproject.toml

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
