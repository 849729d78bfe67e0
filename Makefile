# `make test` on a fresh clone sets everything up. Needs Python >= 3.10 and git; bats comes from npm where the system has none.
SHELL := /bin/bash
PYTHON ?=
WORKERS ?= 2
SOAK ?= long
GENERATED ?= 100000
py := .venv/bin/python
# programs under tests/ see the package, its vendored packages and each other
run := PYTHONPATH=tests:lib:lib/vendor
# every shell file that git knows or could know
shell-files = git ls-files -z -co --exclude-standard -- '*.sh' '*.bash' '*.bats' bin/ccpm .ci/run | sort -zu

.DEFAULT_GOAL := help
.PHONY: help setup runtime demo test test-fast test-python test-shell test-generated test-claude plugin skill lint lint-python lint-types lint-shell format docs docs-check bench soak sweep install clean pictures

help: ## lists the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  %-15s %s\n' "$$name" "$$text"; done

setup: runtime .venv/.ready ## the packages of the helpers (lib/vendor) and the tools of the tests (.venv)

runtime:
	@bash lib/setup.sh --quiet $(if $(PYTHON),--python "$(PYTHON)")

.venv/.ready: requirements-dev.txt | runtime
	"$$(cat lib/.python)" -m venv --clear .venv
	$(py) -m pip install -qq --disable-pip-version-check --only-binary :all: -r requirements-dev.txt
	touch $@

demo: runtime ## workers on a synced epic, then a team in worktrees, both verified; GITHUB=fake syncs through gh
	@$(run) "$$(cat lib/.python)" -m demo $(if $(GITHUB),--github $(GITHUB)) $(DEMO)

test: setup test-python test-shell ## all tests

test-fast: setup ## the tests of single modules
	$(py) -m pytest -q -n $(WORKERS) -m 'not slow' tests/unit

test-python: setup
	$(py) -m pytest -q -n $(WORKERS) --ignore=tests/claude --junitxml=build/pytest.xml

test-shell: setup
	@bash tests/shell/run.sh

test-claude: setup build/claude/.ready ## the real Claude Code, from npm, against a scripted model on this machine
	$(py) -m pytest -q -n $(WORKERS) --junitxml=build/claude.xml tests/claude

# Where npm or its registry cannot be reached, the tests skip and say so.
build/claude/.ready: tests/claude/package-lock.json
	@mkdir -p build/claude && cp tests/claude/package.json tests/claude/package-lock.json build/claude/
	@{ npm ci --prefix build/claude --silent --no-audit --no-fund --ignore-scripts --fetch-retries 1 && touch $@; } || echo "npm could not get Claude Code" >&2

test-generated: setup ## 100,000 generated frontmatter documents against ruamel.yaml; GENERATED=N for another number
	CCPM_GENERATED=$(GENERATED) $(py) -m pytest -q -n $(WORKERS) tests/model/test_frontmatter_generated.py

plugin: setup ## CCPM as a plugin of Claude Code, into build/plugin
	@$(py) packaging/build.py plugin

skill: setup ## CCPM as a skill (agentskills.io), into build/skill/ccpm
	@$(py) packaging/build.py skill

lint: lint-python lint-types lint-shell ## ruff, mypy, shellcheck, shfmt

lint-python: setup
	$(py) -m ruff check .
	$(py) -m ruff format --check .

lint-types: setup
	$(py) -m mypy

lint-shell: setup
	$(shell-files) | xargs -0 .venv/bin/shellcheck -x
	$(shell-files) | xargs -0 .venv/bin/shfmt -d -i 2 -ci

format: setup ## rewrites the sources as `make lint` wants them
	$(py) -m ruff check --fix .
	$(py) -m ruff format .
	$(shell-files) | xargs -0 .venv/bin/shfmt -w -i 2 -ci

docs: setup ## writes the generated parts of docs/
	$(run) $(py) tests/docs/generate.py

docs-check: setup ## fails if a generated part of docs/ is out of date
	$(run) $(py) tests/docs/generate.py --check

pictures: setup ## draws the pictures of the README anew
	$(run) $(py) tests/docs/pictures.py

bench: setup ## measures; writes docs/BENCHMARKS.md and the figures in README.md
	$(run) $(py) -m bench $(BENCH)
	$(run) $(py) tests/docs/generate.py

soak: setup ## random faults for long; SOAK=short for a minute
	$(run) $(py) tests/soak/soak.py $(SOAK)

sweep: setup ## kills a sync of 30 tasks at every request and at every change of a file (half an hour)
	TEST_TASKS=30 CCPM_SWEEP=full $(py) -m pytest -q -n $(WORKERS) tests/crash/test_sync_sweep.py tests/sync/test_github_exactly_once.py

install: ## into the project of TARGET, by default the one around the current directory
	@bash install.sh $(if $(TARGET),"$(TARGET)")

clean: ## removes what setup and the tests made
	rm -rf .venv node_modules build lib/vendor lib/.vendor-* lib/.python .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
