# Shortcuts: `just` lists them, `just test` runs one. Install with `pip install rust-just`.

python := ".venv/bin/python"

# List the targets
default:
    @just --list

# Create .venv and install everything that development needs
setup:
    python3 -m venv .venv
    .venv/bin/pip install -q -e ".[dev]"

# Run the suite, or its tests of the given files: just test tests/batch
test *words:
    {{python}} -m pytest -n 2 {{words}}

# Run the second stage of the tests
test-second:
    {{python}} -m pytest -n 2 -m second

# Run the long tests
test-long:
    {{python}} -m pytest -n 2 -m long

# Check code style, spelling and TOML in all files
lint:
    .venv/bin/pre-commit run --all-files

# Format the code
format:
    .venv/bin/ruff check --fix .
    .venv/bin/ruff format .

# Check the types
types:
    .venv/bin/mypy

# Build the documentation in site/
docs:
    .venv/bin/mkdocs build --strict --site-dir site

# Serve the documentation on this machine
docs-serve:
    .venv/bin/mkdocs serve

# Measure the speed
bench:
    {{python}} -m benchmarks

# Run the demonstration
demo:
    .venv/bin/blocs demo

# Serve the app
app:
    .venv/bin/blocs app

# Build the wheel and the source archive in dist/
build:
    .venv/bin/uv build

# Update uv.lock
lock:
    .venv/bin/uv lock

# Run what continuous integration runs
ci:
    .ci/run
