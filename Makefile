# One command each for what one does with this project. Two environments are made in this folder:
# .venv is for working on it, .venv-test holds the built wheel, which is what the tests test. The
# Hive, the Spark and the Graphite that they speak to are downloaded once into a cache folder.

PYTHON ?= python3
ARGS ?=
CASES ?=
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/reportupdater-tests

export PIP_DISABLE_PIP_VERSION_CHECK = 1

SOURCES := setup.py setup.cfg pyproject.toml README.md LICENSE \
	$(shell find reportupdater -name __pycache__ -prune -o -print)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-long test-stores soak lint bench farm site clean debian-packages downloads

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

SHOWN = daily_edits/wikidatawiki daily_interfaces weekly_wikis monthly_summary monthly_edit_sizes

demo: .venv/installed  ## run the example project, and show what it gives
	.venv/bin/python run.py -l info queries/demo output/ || test $$? -eq 1  # one result is held
	@for tsv in $(SHOWN); do \
		printf '\noutput/%s.tsv\n' $$tsv; \
		(head -n 4 output/$$tsv.tsv; echo ...; tail -n 2 output/$$tsv.tsv) | expand -t 13; \
	done
	@printf '\nqueries/demo/plot.py output/daily_edits/wikidatawiki.tsv edits\n'
	@.venv/bin/python queries/demo/plot.py output/daily_edits/wikidatawiki.tsv edits
	@printf '\nreportupdater held queries/demo output/\n'
	@.venv/bin/reportupdater held queries/demo output/
	@printf '\nreportupdater why queries/demo output/ weekly_users --date 2025-11-02\n'
	@.venv/bin/reportupdater why queries/demo output/ weekly_users --date 2025-11-02
	@printf '\nreportupdater site output/ queries/demo --to output-site/\n'
	@.venv/bin/reportupdater site output/ queries/demo --to output-site/

SERVERS := debian-packages .venv-test/installed downloads
PYTEST := PYTHONSAFEPATH=1 REPORTUPDATER_TEST_WHEEL=1 .venv-test/bin/pytest -n 2

test: $(SERVERS)  ## run the tests, on the built wheel (ARGS="-k tsv" selects some)
	$(PYTEST) -m "not long" $(ARGS)

test-long: $(SERVERS)  ## run the tests that take longer: kills, outages, restarts, logins, TLS
	$(PYTEST) -m long $(ARGS)

STORES := tests/delivery/test_stores.py tests/faults/test_stores.py tests/conformance/test_sinks.py

test-stores: $(SERVERS)  ## run the tests of stores on the current Prometheus and VictoriaMetrics, built by Go
	@$(PYTHON) tests/servers/downloads.py stores
	REPORTUPDATER_STORES=current $(PYTEST) $(STORES) -k "not graphite" $(ARGS)

soak: debian-packages .venv-test/installed-soak downloads  ## try thousands of faults, and print what came of them (CASES=5000: a quarter; ARGS="-k kill": some)
	REPORTUPDATER_TEST_WHEEL=1 .venv-test/bin/python -m tests.faults $(addprefix --cases=,$(CASES)) $(ARGS)

lint: .venv/installed-dev  ## run ruff, mypy and import-linter
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: debian-packages .venv-test/installed  ## measure what the runner costs beside bare loops (ARGS="--times 1 backfill"; `make bench farm` or `site`: at the size of a wiki farm)
	PYTHONPATH=. .venv-test/bin/python -m benchmarks $(ARGS) $(filter farm site,$(MAKECMDGOALS))

farm site:
	@$(if $(filter bench,$(MAKECMDGOALS)),:,echo "It is: make bench $@" >&2; exit 2)

clean:  ## remove all that make has made, but for output/ and output-site/
	rm -rf .venv .venv-test build dist reportupdater.egg-info
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find reportupdater tests queries benchmarks -name __pycache__ -prune -exec rm -rf {} +
	@echo "Kept, for all clones: the servers of the tests. To remove them: rm -rf $(CACHE)"

debian-packages:
	@sh tests/debian_packages.sh $$(cat tests/apt.txt)

.venv/installed: setup.cfg pyproject.toml
	$(environment)
	.venv/bin/pip install --quiet --no-compile --editable .
	@touch $@

.venv/installed-dev: setup.cfg pyproject.toml
	$(environment)
	.venv/bin/pip install --quiet --no-compile --editable '.[dev]'
	@touch .venv/installed $@

.venv-test/installed: $(SOURCES)
	$(environment)
	@rm -rf build dist
	.venv-test/bin/pip wheel --quiet --no-deps --wheel-dir dist .
	.venv-test/bin/pip install --quiet --no-compile "$$(echo dist/*.whl)[test,kerberos]"
	@# Once more, without its dependencies: the same version with other contents is no news to pip.
	.venv-test/bin/pip install --quiet --no-compile --force-reinstall --no-deps dist/*.whl
	@rm -rf build
	@touch $@

.venv-test/installed-soak: .venv-test/installed
	.venv-test/bin/pip install --quiet --no-compile "$$(echo dist/*.whl)[soak]"
	@touch $@

# Where the folders lie, and what is in them: tests/servers/downloads.py
downloads:
	$(environment-can-be-made)
	@$(PYTHON) tests/servers/downloads.py

define environment-can-be-made
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "Python 3.11 or later is needed, and $(PYTHON) is not that." \
		"Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
@$(PYTHON) -c 'import ensurepip' 2>/dev/null || sh tests/debian_packages.sh python3-venv
endef

# Makes the virtual environment that the target stands in, if it is not there.
define environment
$(environment-can-be-made)
@$(@D)/bin/pip --version >/dev/null 2>&1 || { \
	echo "Making $(@D)"; $(PYTHON) -m venv --upgrade-deps $(@D); }
endef
