# make up        run the sweep: AGENTS=2, SWEEP=sweeps/<file>.yaml, NEW=label ... (.env.example lists all)
# make prepare   installs, and gets the data into DATA_DIR, where there is a network: for nodes that have none;
#                TRAINER=trainer-gpu for nodes with GPUs, if this machine has none
# make report    its results so far: a table here, a page, CSV and JSON in DATA_DIR/reports
# make serve     the embedded server alone, with the two lines that point any W&B program to it; HOST=IP for other machines;
#                beside one that runs, its link and lines again
# make open      the sweep's page, in the browser
# make slurm     the lines that run the sweep on a Slurm cluster, filled in for this checkout
# make test      all tests but those of the containers, which are make test-compose's: with Docker, or root and Debian,
#                those of the pages in a browser, make test-browser's: with Chromium, and those of many machines,
#                make test-deploy's: with root and Debian; elsewhere some of them are skipped, and say why
# make coverage  the same as make test, and which lines it does not reach; fails where every line must be reached
# make check     linters, types, import contracts
# make vm        what boots a VM of any cloud into the sweep, and the command to launch it: SWEEP=sweeps/<file>.yaml
# make bundle    one archive that runs the sweep where there is no network; TRAINER=trainer-gpu for GPUs
# make notebook  the tutorial, run and saved with its output
# make demo      a small sweep whose server, agents and trials are killed before your eyes, and the ledger's verdict
# make sbom      a bill of materials of each image's Python packages (CycloneDX), in sbom/
# make lock      renew the locks    make clean   remove what make made; DATA_DIR with the results stays
#
# Variables given to make reach the programs by themselves. PYTHON=... chooses the interpreter of .venv.

PY := .venv/bin/python
TRAINER := $(shell requirements/trainer.sh)
# What decides which result counts, and which point comes next: no line of it without a test.
EVERY_LINE := search/*,terms/*,server/lifecycle.py,server/ledger/*,server/store/*

.PHONY: up prepare report serve open slurm notebook demo test coverage test-compose test-browser test-deploy engine check bundle vm sbom lock clean

up: .venv/.$(TRAINER)
	@exec $(PY) -m app up

prepare: .venv/.$(TRAINER)
	@exec $(PY) -m app prepare

report: .venv/.$(TRAINER)
	@exec $(PY) -m app report

serve: .venv/.$(TRAINER)
	@exec $(PY) -m app serve

open: .venv/.$(TRAINER)
	@exec $(PY) -m app open

slurm: .venv/.$(TRAINER)
	@exec $(PY) -m app slurm

notebook: .venv/.dev
	@exec $(PY) notebooks/run.py

demo: .venv/.$(TRAINER)
	@exec $(PY) -m benchmarks.chaos --points 16 --agents 3 --kills 12

test: .venv/.dev
	@exec tests/all.sh $(PY) $(if $(COVERAGE),--cov --cov-report=)

coverage: .venv/.dev
	@$(MAKE) --no-print-directory test COVERAGE=1
	@$(PY) -m coverage combine --quiet --append .coverage-training
	@$(PY) -m coverage report
	@$(PY) -m coverage report --show-missing --fail-under=100 --include='$(EVERY_LINE)'

test-compose: .venv/.dev engine
	@exec $(PY) -m pytest -m docker tests/compose

test-browser: .venv/.dev
	@exec $(PY) -m pytest -m browser tests/browser

test-deploy: .venv/.deploy engine
	@exec $(PY) -m pytest -m deploy tests/deploy

engine:
	@tests/compose/engine.sh up

bundle:
	@bundle/make.sh $(TRAINER)

sbom:
	@requirements/sbom.sh

# Whoever has the program here hears of a mistake in the sweep file before a VM does.
vm:
	@[ ! -e .venv/.$(TRAINER) ] || [ -n "$$SWEEP_ID" ] || $(PY) -m app check "$${SWEEP:-sweeps/layer_size.yaml}"
	@exec $(or $(PYTHON),python3) deploy/vm/render.py

check: .venv/.dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	.venv/bin/hadolint Dockerfile deploy/tls/Dockerfile
	.venv/bin/yamllint .
	.venv/bin/shellcheck .ci/run $$(git ls-files '*.sh')

lock: .venv/.dev
	PATH="$$PWD/.venv/bin:$$PATH" requirements/lock.sh

clean:
	rm -rf .venv .sbom-tools sbom .coverage .coverage-training .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# The stamps: an empty file for each set of locks that is installed; a lock that has changed since is newer.
.venv/.$(TRAINER): .venv/bin/python requirements/server.txt requirements/$(TRAINER).txt
	@requirements/install.sh server $(TRAINER)
	@touch $@

.venv/.dev: .venv/.$(TRAINER) requirements/dev.txt
	@requirements/install.sh dev
	@touch $@

.venv/.deploy: .venv/.dev requirements/deploy.txt
	@requirements/install.sh deploy
	@touch $@

.venv/bin/python:
	@requirements/install.sh
