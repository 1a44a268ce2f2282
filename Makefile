# make run [PORT=8000] [PARLEY_DATA_DIR=data]   install what is missing, then start everything
# make test                                     the whole suite
# make test-unit                                a minute's worth of it, which needs no other process
# Everything of .env.example may be given on the command line or in the environment.

# 3.12 and 3.11 first: for these every requirement has a binary package.
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; break; }; done)
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py

.DEFAULT_GOAL := help
.PHONY: help run install install-dev ears test coverage test-unit bench lint format messages requirements clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install ## install, migrate, seed and start everything
	@exec $(MANAGE) up --prepare

test: install-dev ## run the whole test suite
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

coverage: install-dev ## say which lines no test runs in its own process; fail below 80 %
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not installation and not browser" --cov --cov-report=term:skip-covered $(ARGS)

test-unit: install-dev ## run the tests that need nothing but their own process: no Redis, worker, browser
	$(BIN)/python -m pytest -m unit $(ARGS)

bench: install-dev ## what an idle machine bears: eight local conversations at once, twenty remote ones
	$(BIN)/python -m pytest -s -m bench $(ARGS)

lint: install-dev ## ruff, mypy, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(MANAGE) makemigrations --check --dry-run

format: install-dev ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: install-dev ## collect and compile what is to be translated (needs gettext)
	$(MANAGE) makemessages --locale zh_Hant --no-wrap --no-obsolete --add-location file \
		--ignore '*/tests/*' --ignore '.*' --ignore data
	$(MANAGE) compilemessages --locale zh_Hant --ignore '.*'

requirements: install-dev ## compile the pins from requirements*.in
	$(COMPILE) --output-file requirements.txt requirements.in
	$(COMPILE) --output-file requirements-dev.txt requirements-dev.in

# Pins alone: where this machine has its packages from is nobody else's business.
COMPILE = CUSTOM_COMPILE_COMMAND="make requirements" $(BIN)/pip-compile --quiet --strip-extras \
	--allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

install: .venv/installed ears
install-dev: .venv/installed-dev ears

# Asked of the package index once. Without it, PocketSphinx recognises.
ears: .venv/installed ## fetch the model of the speech recogniser, 56 MB, unless it is here
	@$(MANAGE) models --if-missing tiny-en

# The stamps are as old as the last installation: a second start skips pip.
.venv/installed: requirements.txt .venv/bin/python
	@$(INSTALL) requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@$(INSTALL) requirements-dev.txt
	@touch $@

# Also where the Python that it was made of has gone.
.venv/bin/python:
	@$(INSTALL)

INSTALL = test -n "$(PYTHON)" || { echo "Parley needs Python 3.11 or newer, with venv (on Debian: \
	apt install python3-venv)."; exit 1; }; "$(PYTHON)" voiceproject/install.py

clean: ## remove what was built, never the data
	rm -rf .venv .coverage .coverage.* htmlcov .mypy_cache .ruff_cache .pytest_cache
