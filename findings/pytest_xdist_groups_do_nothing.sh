#!/usr/bin/env bash
# pytest 9.2 with pytest-xdist: tests of one `xdist_group` go to different workers, without a word.
#
# Expected: with --dist loadgroup, the tests of one `@pytest.mark.xdist_group` run in one worker (documented), because
#   they share a server, a database or a costly fixture of the session.
# Seen: with pytest 9.2.0 four tests of a group run in two workers. With pytest 9.1.1
#   and the same pytest-xdist they run in one. There is no warning, and the mark is still accepted.
# Cause: pytest-xdist 3.8.0 appends "@group" to `item._nodeid`, an attribute that pytest 9.2 no longer reads.
# Why it matters: a fixture is made once for each worker (two servers, two sweeps), and tests that need one worker
#   meet each other's files or ports. The tests still pass most of the time.
# Instead: --dist loadfile with the tests of a group in one file, or pytest below 9.2.
# seen on 2026-11-29 with pytest 9.2.0 and pytest-xdist 3.8.0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > test_group.py <<'PY'
import os
import pathlib
import time

import pytest

HERE = pathlib.Path(__file__).parent


@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("n", range(4))
def test_of_the_group(n):
    (HERE / f"worker-{os.environ['PYTEST_XDIST_WORKER']}").touch()
    time.sleep(1)  # long enough for a second worker to take a test
PY
workers() {
  python3 -m venv --clear v
  v/bin/pip install -qq "pytest==$1" pytest-xdist==3.8.0
  rm -f worker-*
  v/bin/python -m pytest -q -n 2 --dist loadgroup -p no:cacheprovider test_group.py >/dev/null
  ls worker-* | wc -l
}
before=$(workers 9.1.1)
now=$(workers 9.2.0)
echo "a group of four tests runs in $before worker with pytest 9.1.1, in $now workers with pytest 9.2.0"
[ "$before" = 1 ]
[ "$now" = 2 ]
