"""One hash under each Python with the lowest and the highest versions of what blocs needs, and a replay of each."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from environments import ROOT, find_python, make_environment

import sim
from sim.scenario.loading import scenario_names, world_names

NAMES = [*scenario_names(), *world_names()]
TABLES = ("runs", "points", "states", "steps", "moves", "alignments")
SWEEPING = """
import sys, platform, numba, numpy, sim
out, *names = sys.argv[1:]
print(platform.python_version(), "numba", numba.__version__, "numpy", numpy.__version__)
for name in names:
    found = sim.sweep(name, replicates=3, keep="steps", out=f"{out}/{name}")
    assert sim.replay(found, "0-2").record["equal"], name
"""


def table_hash(folder: Path) -> str:
    """Hash of every stored value, which does not depend on who wrote the files."""
    results = sim.read(folder)
    digest = hashlib.sha256()
    for table in TABLES:
        rows = results.query(f"select * from {table} order by all")  # noqa: S608  # the names are those above
        rows = rows.drop(columns=[name for name in rows if "seconds" in name])
        digest.update(rows.to_csv(index=False, float_format="%.17g").encode())
    return digest.hexdigest()


@pytest.mark.long
def test_one_hash_under_all_versions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Needs the network, for the packages."""
    versions: set[str] = set()
    hashes: dict[str, dict[str, str]] = {}
    for python in ("3.11", "3.13"):
        for resolution in ("lowest-direct", "highest"):
            place = f"{python}-{resolution}"
            out = tmp_path / place
            commands = make_environment(
                tmp_path / f"env-{place}", find_python(python), "--resolution", resolution, ROOT
            )
            done = subprocess.run(
                [commands / "python", "-c", SWEEPING, out, *NAMES], cwd=tmp_path, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            assert done.returncode == 0, (place, done.stderr[-3000:])
            found = done.stdout.splitlines()[0]
            versions.add(found)
            hashes[place] = {name: table_hash(out / name) for name in NAMES}
            for name in NAMES:
                assert sim.replay(out / name, "0-1").record["equal"], (place, name)
            with capsys.disabled():
                print(f"\n{place}: Python {found}, {len(NAMES)} scenarios and worlds of three runs", end="")
    assert len(versions) == len(hashes) == 4, versions
    first = hashes["3.11-lowest-direct"]
    for place, those in hashes.items():
        assert those == first, (place, [name for name in NAMES if those[name] != first[name]])
    assert len(set(first.values())) == len(first), "each scenario has a hash of its own"
