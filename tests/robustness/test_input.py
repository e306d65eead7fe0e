"""Hostile or huge input to `blocs check`: refused by file and line, in bounded time and memory."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from robustness.ground import LONG, run_after

from sim.scenario.schema import MAX_STATES, MAX_TIES

CASES = Path(__file__).parents[1] / "cases"
LINE = re.compile(r".+?:\d+: .+")
STATES = "id,name,theatre,capability,capability_source,note\n"
HEAD = 'title = "x"\nworld = "three"\n'
MEGABYTES, SECONDS = 200, 3  # private memory; CPU time, including Python's start
Bomb = Callable[[Path], Path]


def written(content: bytes | str) -> Bomb:
    """A scenario file with this content."""

    def write(folder: Path) -> Path:
        (folder / "a.toml").write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder / "a.toml"

    return write


def world(states: int = 3, ties: int = 0, *, row: str = "", known: bool = True) -> Bomb:
    """A world with so many states and ties, and another row of states at the end."""

    def write(folder: Path) -> Path:
        shutil.copyfile(CASES / "worlds" / "three" / "world.toml", folder / "world.toml")
        rows = "".join(f"S{n},State {n},here,1,assumed,made up\n" for n in range(states))
        (folder / "states.csv").write_text(STATES + rows + row, encoding="utf-8")
        name = "S{},S{},bond,0.5\n" if known else "S{},X{},bond,0.5\n"
        pairs = ((n % states, (n // states + 1 + n % states) % states) for n in range(ties))
        table = "a,b,kind,value\n" + "".join(name.format(a, b) for a, b in pairs)
        (folder / "ties.csv").write_text(table, encoding="utf-8")
        return folder

    return write


def link(target: str) -> Bomb:
    """A link with the name of a scenario file."""

    def write(folder: Path) -> Path:
        (folder / "a.toml").symlink_to(target)
        return folder / "a.toml"

    return write


def pipe(folder: Path) -> Path:
    """A named pipe without a writer."""
    os.mkfifo(folder / "pipe.toml")
    return folder / "pipe.toml"


def hollow(folder: Path) -> Path:
    """A sparse file of 50 GB."""
    with (folder / "a.toml").open("wb") as file:
        file.truncate(50 * 2**30)
    return folder / "a.toml"


def directory(folder: Path) -> Path:
    """A folder with the name of a scenario file."""
    (folder / "a.toml").mkdir()
    return folder / "a.toml"


def chain(length: int, last: str) -> Bomb:
    """Scenarios that extend one another."""

    def write(folder: Path) -> Path:
        for n in range(length):
            (folder / f"s{n}.toml").write_text(f'title = "S"\nextends = "s{n + 1}"\n', encoding="utf-8")
        (folder / f"s{length}.toml").write_text(f'title = "S"\n{last}\n', encoding="utf-8")
        return folder / "s0.toml"

    return write


SPANS = "".join(f"{name} = {{ start = 0, stop = 1, points = 10000 }}\n" for name in ("erosion", "strain", "w_bond"))
BOMBS: dict[str, Bomb] = {
    "50 GB, sparse": hollow,
    "/dev/zero": link("/dev/zero"),
    "/dev/stdin": link("/dev/stdin"),
    "/proc/self/mem": link("/proc/self/mem"),
    "a link to itself": link("a.toml"),
    "a folder called .toml": directory,
    "200 kB of [": written("a = " + "[" * 200_000),
    "200 kB of nested tables": written("a = " + "{a=" * 60_000),
    "200 kB of dots": written(".".join("a" * 100_000) + " = 1"),
    "dotted tables": written("".join(f"[{'.'.join('a' * n)}]\n" for n in range(1, 600))),
    "a number of a million digits": written(HEAD + "steps = " + "9" * 10**6),
    "a hexadecimal number of a million digits": written(HEAD + "steps = 0x" + "f" * 10**6),
    "an exponent": written(HEAD + "[parameters]\nerosion = 1e999999999999"),
    "text of 10 MB": written('title = "' + "x" * 10**7 + '"\nworld = "three"\n'),
    "a key of 10 MB": written(HEAD + "x" * 10**7 + " = 1\n"),
    "100,000 unknown keys": written(HEAD + "".join(f"k{n} = 1\n" for n in range(100_000))),
    "100,000 shocks": written(HEAD + "[[shocks]]\nkind = 'x'\n" * 100_000),
    "a list of a million": written(HEAD + "[sweep.vary]\nerosion = [" + "0," * 10**6 + "]\n"),
    "a sweep of 10^12 points": written(HEAD + "[sweep.vary]\n" + SPANS),
    "16 MB of quotes": written('"' * (16 * 2**20)),
    "17 MB": written("#" * (17 * 2**20)),
    "compressed": written(b"\x1f\x8b\x08\x00" + bytes(1000)),
    "itself extended": written('title = "x"\nextends = "a"\n'),
    "a cycle of 49": chain(48, 'extends = "s0"'),
    "a chain of 3,000": chain(3000, 'world = "three"'),
    "too many states": world(MAX_STATES + 1),
    "too many ties": world(MAX_STATES, MAX_TIES + 1),
    "400,000 states": world(400_000),
    "as many states as may be, 10^5 ties to nowhere": world(MAX_STATES, 100_000, known=False),
    "a cell of 10 MB": world(3, row="Z,Z,here,1,assumed," + "x" * 10**7 + "\n"),
    "a million cells in a row": world(3, row="Z" + "," * 10**6 + "\n"),
    "a quote that is not closed": world(MAX_STATES - 1, row='Z,"Z,here,1,assumed,x\n'),
}


LIMITS = f"""
from resource import RLIMIT_CPU, RLIMIT_DATA, setrlimit
setrlimit(RLIMIT_DATA, ({MEGABYTES * 2**20}, {MEGABYTES * 2**20}))
setrlimit(RLIMIT_CPU, ({SECONDS}, {SECONDS}))
"""
ENVIRONMENT = {"BLOCS_SCENARIOS": str(CASES), "OPENBLAS_NUM_THREADS": "1"}


@pytest.mark.parametrize("name", ["a named pipe", *(pytest.param(name, marks=LONG) for name in BOMBS)])
def test_bomb_is_refused_by_file_and_line(name: str, tmp_path: Path) -> None:
    done = run_after(LIMITS, ["check", str((BOMBS | {"a named pipe": pipe})[name](tmp_path))], ENVIRONMENT)
    assert done.returncode == 2, done.stderr[-300:]
    rows = done.stderr.splitlines()
    assert 1 <= len(rows) <= 21
    assert all(LINE.fullmatch(row) for row in rows[:20])


@pytest.mark.second
def test_largest_world_is_loaded(tmp_path: Path) -> None:
    folder = world(MAX_STATES, 100_000)(tmp_path)
    load = f"{LIMITS}\nfrom sim.scenario.loading import read_scenario; read_scenario({str(folder)!r}); raise SystemExit"
    done = run_after(load, [], ENVIRONMENT)
    assert done.returncode == 0, done.stderr[-300:]


TRAVERSALS = ("../secret", "/etc/passwd", "..\\\\secret", "secret.toml", "sub/../../secret", "%2e%2e/secret",
              "~/secret", "secret\\u0000", "linked", "file:///etc/passwd", "C:secret", "")  # fmt: skip


@LONG
@pytest.mark.parametrize("key", ["extends", "world"])
@pytest.mark.parametrize("reference", TRAVERSALS)
def test_reference_out_of_the_folder_opens_nothing(key: str, reference: str, tmp_path: Path) -> None:
    inside, outside, trace = tmp_path / "inside", tmp_path / "outside", tmp_path / "trace"
    (inside / "worlds").mkdir(parents=True)
    outside.mkdir()
    world(3)(outside)
    (tmp_path / "secret.toml").write_text(HEAD, encoding="utf-8")
    (inside / "linked.toml").symlink_to(tmp_path / "secret.toml")
    (inside / "worlds" / "linked").symlink_to(outside, target_is_directory=True)
    (inside / "case.toml").write_text(f'title = "x"\n{key} = "{reference}"\n', encoding="utf-8")
    words = ["strace", "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", str(trace)]
    checking = [sys.executable, "-m", "sim", "check", str(inside / "case.toml")]
    done = subprocess.run([*words, *checking], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    opened = [row for row in trace.read_text(errors="replace").splitlines() if not re.search(r"= -1 ", row)]
    assert not [row for row in opened if re.search(rf"{tmp_path}/(secret|outside)|linked|/etc/passwd", row)]
