# Every target that people, CI and hooks call. `make` alone prints this help.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STATE  ?= .state
AREA   ?= all
export OPSBOT_STATE := $(STATE)

.DEFAULT_GOAL := help
.PHONY: help setup check format test test-long demo tour bench pictures reference lock clean

help:  ## show this help
	@grep -hE '^[a-z-]+: .*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | awk -F '\t' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(VENV)/.ready  ## make the virtual environment from the locked requirements

$(VENV)/.ready: requirements/dev.txt
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Installing python3-venv"; apt-get update -qq && apt-get install -y -qq python3-venv; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked requirements into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

check: setup  ## format, lint, types, import contracts, unit tests: no engine, about two minutes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	MYPYPATH=app $(BIN)/mypy -p minitwit -p simulator -p mover
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not long and not served and not stories" tests/unit tests/architecture

format: setup  ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: check  ## everything above, then the tests on real parts (engine, registry, Postgres, S3, browser): at most 20 minutes
	@$(BIN)/python -m tests.prepare
	$(BIN)/python -m tests.lanes

test-long: setup  ## the whole matrices
	@$(BIN)/python -m tests.prepare
	$(BIN)/python -m pytest -q tests -m long

demo: setup  ## bring everything up, play a short tour into the chat, stay until Ctrl-C
	@$(BIN)/python -m opsbot demo

tour: setup  ## the same without staying: plays the tour, prints it, writes build/tour.json
	@$(BIN)/python -m opsbot tour

bench: setup  ## measure; AREA=runtime|chat|app|backups|health|engine; writes build/bench.json
	$(BIN)/python -m tests.bench $(AREA)

pictures: setup  ## the chat as pictures: the real bot in a browser, into build/screenshots and the README's
	@$(BIN)/python -m tests.pictures

reference: setup  ## write docs/reference from the code and the playbooks
	@$(BIN)/python -m tests.reference

lock: setup  ## compile the locked requirements anew, with hashes and without addresses
	$(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --no-header --no-emit-index-url pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --no-header --no-emit-index-url pyproject.toml --extra demo --extra dev app/requirements.in -o requirements/dev.txt
	$(BIN)/uv pip compile -q --python-version 3.11 --generate-hashes --no-header --no-emit-index-url app/requirements.in -c requirements/dev.txt -o app/requirements.txt

clean: setup  ## remove the state folder, its processes and its swarm
	@$(BIN)/python -m opsbot.demo.parts clean
	@rm -rf build
