# `make` alone prints what can be made. GNU make 3.81 and a POSIX shell are enough: macOS has no more.

.NOTPARALLEL:
.PHONY: help install demo test coverage lint format messages bench bench-full lock screenshots states moved

RUNTIME := .venv/.runtime-installed
DEV := .venv/.dev-installed
PYTHON ?=
# Without those tests that choose their servers by themselves.
OLDEST_POSTGRES := tests/store tests/events tests/workflows/running tests/workflows/history tests/accounts \
	--ignore=tests/store/postgres --ignore=tests/store/test_embedded.py
T ?=
L ?= en

# The console commands in .venv hold its path: a checkout that was moved is installed again.
MOVED := $(shell test "$$(cat .venv/.checkout 2>/dev/null)" = "$$(pwd -P)" || echo moved)

help:
	@awk 'BEGIN { FS = ":.*## " } \
		/^## / { printf "\n%s\n", substr($$0, 4) } \
		/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

## To use it
install: $(RUNTIME) ## set up .venv with .venv/bin/afterword (PYTHON=… chooses the Python)
	@:

demo: $(RUNTIME) ## set up and start everything, with sample data; Ctrl-C stops it
	@.venv/bin/afterword demo

## To work on it
test: $(DEV) ## run every test; T=tests/accounts runs one thing fast
	@AFTERWORD_BROWSER=$$(.venv/bin/python scripts/find-browser $(if $(T),--only-look)) || exit 1; export AFTERWORD_BROWSER; \
	if [ -n "$(T)" ]; then .venv/bin/python -m pytest -p no:xdist -q $(T); \
	else .venv/bin/python -m pytest -n 4 && \
		echo "The same on PostgreSQL 16, the oldest supported:" && \
		AFTERWORD_TEST_POSTGRES_MAJOR=16 .venv/bin/python -m pytest -n 4 -q $(OLDEST_POSTGRES); fi

coverage: $(DEV) ## run every test and tell which lines none of them reaches
	@AFTERWORD_BROWSER=$$(.venv/bin/python scripts/find-browser) || exit 1; export AFTERWORD_BROWSER; \
	.venv/bin/python -m pytest -n 4 --cov --cov-report=term:skip-covered

lint: $(DEV) ## check style, types and who may import whom
	@failed=0; for check in "ruff check" "ruff format --check" mypy "lint-imports --no-logo"; do \
		.venv/bin/$$check || failed=1; done; exit $$failed

format: $(DEV) ## put the code into shape, repair what can be repaired
	@.venv/bin/ruff check --fix-only
	@.venv/bin/ruff format

messages: $(DEV) ## collect the texts to translate into src/afterword/translations
	@.venv/bin/python scripts/messages

lock: ## write requirements/*.txt anew after a change of dependencies
	@scripts/lock $(if $(UPGRADE),--upgrade)
	@$(MAKE) --no-print-directory $(DEV)

screenshots: $(DEV) ## take the pictures of the docs anew, in a real browser
	@browser=$$(.venv/bin/python scripts/find-browser) && .venv/bin/python scripts/screenshots "$$browser"

states: $(DEV) ## take pictures of every page, empty, full, with mistakes, to look at, into .states; L=de: in German
	@browser=$$(.venv/bin/python scripts/find-browser) && mkdir -p .states/$(L) && \
	AFTERWORD_BROWSER=$$browser AFTERWORD_STATES=.states/$(L) AFTERWORD_STATES_LANGUAGE=$(L) \
		.venv/bin/python -m pytest -p no:xdist -q tests/browser/test_every_page.py

## To measure it
bench: $(DEV) ## run the benchmarks, under 5 minutes, and print a table
	@.venv/bin/python bench/run.py

bench-full: $(DEV) ## run the long ones too
	@.venv/bin/python bench/run.py --full

$(RUNTIME): requirements/runtime.txt pyproject.toml scripts/install.py .venv/bin/python $(MOVED)
	@python=$$(PYTHON="$(PYTHON)" scripts/find-python) && exec "$$python" scripts/install.py runtime

$(DEV): requirements/dev.txt requirements/runtime.txt pyproject.toml scripts/install.py .venv/bin/python $(MOVED)
	@python=$$(PYTHON="$(PYTHON)" scripts/find-python) && exec "$$python" scripts/install.py dev

# No recipe: where the Python of .venv is gone, what depends on it is made again.
.venv/bin/python:
