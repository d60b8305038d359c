# What CI runs: make check
PYTHON ?= python

.PHONY: check lint types floors test docs notebooks

check: lint types floors test

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:
	$(PYTHON) -m pyright --pythonpath "$$($(PYTHON) -c 'import sys; print(sys.executable)')"

floors:
	$(PYTHON) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"

test:
	$(PYTHON) -m pytest

# the site, in build/site; needs pip install -e '.[docs]'
docs:
	NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true PYTHONPATH=site:. $(PYTHON) -m mkdocs build --quiet

# execute the notebooks where they lie, so that they show what this version prints
notebooks:
	LAZYREGIME_RUNS="$$(mktemp -d)" $(PYTHON) -c "from nbclient.cli import main; main()" --inplace docs/notebooks/*.ipynb
