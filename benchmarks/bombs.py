"""Input that is wrong, hostile or huge, given to `blocs check` as a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.ground import Done, Ground, Outcome, blocs
from benchmarks.mutants import CASES
from sim.faults import InputError  # noqa: F401

LINE = re.compile(r".+?:\d+: .+")
STATES = "id,name,theatre,capability,capability_source,note\n"


def wrong(ground: Ground, count: int) -> Outcome:
    """Every file of tests/cases/invalid: exit 2 within 1 s, each line with file and line, no traceback."""
    invalid = CASES / "invalid"
    paths = sorted([*invalid.glob("*.toml"), *invalid.glob("*/world.toml"), *invalid.glob("*/sources.toml")])
    if count < len(paths):
        paths = ground.rng.sample(paths, count)
    return tried(ground, [(path.stem, lambda _, path=path: path) for path in paths], seconds=1)  # type: ignore[misc]


Bomb = Callable[[Path], Path]


def tried(ground: Ground, bombs: list[tuple[str, Bomb]], *, seconds: float, code: int = 2) -> Outcome:
    """Check each input: refused by file and line, within so many seconds of CPU and 200 MB."""
    asked, held, worst, most = 0, 0, 0.0, 0.0
    for n in ground.rounds(len(bombs)):
        name, bomb = bombs[n]
        asked += 1
        with ground.place() as folder:
            folder.mkdir()
            done = blocs("check", str(bomb(folder)), env={"BLOCS_SCENARIOS": str(CASES)})
        worst, most = max(worst, done.cpu), max(most, done.megabytes)
        good = (
            done.clear
            and done.code == code
            and done.cpu < seconds
            and (code == 0 or (done.megabytes < 200 and said(done)))
        )
        if not good:
            print(f"{name}: {done.code}, {done.cpu:.2f} s, {done.megabytes:.0f} MB: {done.err[-300:]}", file=sys.stderr)
        held += good
    return Outcome(asked, held, worst, f"seconds are of CPU, Python's start included; {most:.0f} MB at most")


def said(done: Done) -> bool:
    """Whether a refusal is one, twenty faults at most."""
    rows = done.err.splitlines()
    return bool(rows) and len(rows) <= 21 and all(LINE.fullmatch(row) for row in rows[:20])


def written(name: str, content: bytes | str) -> Bomb:
    """A bomb that is one file."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def world(states: int = 3, ties: int = 0, *, row: str = "", known: bool = True) -> Bomb:
    """A world's folder of so many states and ties, with a last row of states as told."""

    def make(folder: Path) -> Path:
        text = (CASES / "worlds" / "three" / "world.toml").read_text(encoding="utf-8")
        (folder / "world.toml").write_text(text, encoding="utf-8")
        rows = "".join(f"S{n},State {n},here,1,assumed,made up\n" for n in range(states))
        (folder / "states.csv").write_text(STATES + rows + row, encoding="utf-8")
        if ties:
            pairs = ((n % states, n // states + 1 + n % states) for n in range(ties))
            name = "S{},S{},bond,0.5\n" if known else "S{},X{},bond,0.5\n"
            table = "a,b,kind,value\n" + "".join(name.format(a, b % states) for a, b in pairs)
            (folder / "ties.csv").write_text(table, encoding="utf-8")
        return folder

    return make


def link(name: str, target: str) -> Bomb:
    """A bomb that is a link, or a special file at the end of one."""

    def make(folder: Path) -> Path:
        (folder / name).symlink_to(target)
        return folder / name

    return make


def pipe(folder: Path) -> Path:
    """A named pipe that nobody writes into."""
    os.mkfifo(folder / "pipe.toml")
    return folder / "pipe.toml"


def sparse(folder: Path) -> Path:
    """A file of 50 GB that takes no room."""
    with (folder / "sparse.toml").open("wb") as file:
        file.truncate(50 * 2**30)
    return folder / "sparse.toml"


def chain(length: int, last: str) -> Bomb:
    """Scenarios that extend one another."""

    def make(folder: Path) -> Path:
        for n in range(length):
            (folder / f"s{n}.toml").write_text(f'title = "S"\nextends = "s{n + 1}"\n', encoding="utf-8")
        (folder / f"s{length}.toml").write_text(f'title = "S"\n{last}\n', encoding="utf-8")
        return folder / "s0.toml"

    return make


HEAD = 'title = "x"\nworld = "three"\n'
SPECIAL: dict[str, Bomb] = {
    "50 GB, sparse": sparse,
    "a named pipe": pipe,
    "/dev/zero": link("a.toml", "/dev/zero"),
    "/dev/stdin": link("a.toml", "/dev/stdin"),
    "/proc/self/mem": link("a.toml", "/proc/self/mem"),
    "a link to itself": link("a.toml", "a.toml"),
    "a folder called .toml": lambda folder: made(folder / "a.toml"),
}


def sizes() -> list[tuple[str, Bomb]]:
    """Contents that are deep, long or many."""
    return [
        ("200 kB of [", written("a.toml", "a = " + "[" * 200_000)),
        ("200 kB of nested tables", written("a.toml", "a = " + "{a=" * 60_000)),
        ("200 kB of dots", written("a.toml", ".".join("a" * 100_000) + " = 1")),
        ("dotted tables", written("a.toml", "".join(f"[{'.'.join('a' * n)}]\n" for n in range(1, 600)))),
        ("a number of a million digits", written("a.toml", HEAD + "steps = " + "9" * 10**6)),
        ("a hexadecimal number of a million digits", written("a.toml", HEAD + "steps = 0x" + "f" * 10**6)),
        ("an exponent", written("a.toml", HEAD + "[parameters]\nerosion = 1e999999999999")),
        ("text of 10 MB", written("a.toml", 'title = "' + "x" * 10**7 + '"\nworld = "three"\n')),
        ("a key of 10 MB", written("a.toml", HEAD + "x" * 10**7 + " = 1\n")),
        ("100,000 unknown keys", written("a.toml", HEAD + "".join(f"k{n} = 1\n" for n in range(100_000)))),
        ("100,000 shocks", written("a.toml", HEAD + "[[shocks]]\nkind = 'x'\n" * 100_000)),
        ("a list of a million", written("a.toml", HEAD + "[sweep.vary]\nerosion = [" + "0," * 10**6 + "]\n")),
        ("a sweep of 10^12 points", written("a.toml", HEAD + "[sweep.vary]\n" + "".join(
            f"{name} = {{ start = 0, stop = 1, points = 10000 }}\n" for name in ("erosion", "strain", "w_bond")))),
        ("16 MB of quotes", written("a.toml", '"' * (16 * 2**20))),
        ("17 MB", written("a.toml", "#" * (17 * 2**20))),
        ("compressed", written("a.toml", b"\x1f\x8b\x08\x00" + bytes(1000))),
        ("itself extended", written("a.toml", 'title = "x"\nextends = "a"\n')),
        ("a cycle of 49", chain(48, 'extends = "s0"')),
        ("a chain of 3,000", chain(3000, 'world = "three"')),
        ("10,001 states", world(10_001)),
        ("500,001 ties", world(2000, 500_001)),
        ("a million states", world(400_000)),
        ("2,000 states, 10^5 ties to nowhere", world(2000, 100_000, known=False)),
        ("a cell of 10 MB", world(3, row="Z,Z,here,1,assumed," + "x" * 10**7 + "\n")),
        ("a million cells in a row", world(3, row="," * 10**6 + "\n")),
        ("a quote that is not closed", world(2000, row='Z,"Z,here,1,assumed,x\n')),
    ]  # fmt: skip


def bombs(ground: Ground, count: int) -> Outcome:
    """Sizes, depths, special files, links and cycles: refused within 2 s and 200 MB."""
    return tried(ground, [*SPECIAL.items(), *sizes()][:count], seconds=2)


TRAVERSALS = ("../secret", "/etc/passwd", "..\\\\secret", "secret.toml", "sub/../../secret", "%2e%2e/secret",
              "~/secret",   "secret\\u0000",               "linked", "file:///etc/passwd", "C:secret", "")  # fmt: skip


def traversal(ground: Ground, count: int) -> Outcome:
    """References out of the folder, by path and by link: refused, and strace sees nothing outside opened."""
    held, asked = 0, 0
    for key in ("extends", "world"):
        for reference in TRAVERSALS:
            with ground.place() as folder:
                inside = folder / "inside"
                (inside / "worlds").mkdir(parents=True)
                (folder / "secret.toml").write_text(HEAD, encoding="utf-8")
                world(3)(made(folder / "outside"))
                (inside / "linked.toml").symlink_to(folder / "secret.toml")
                (inside / "worlds" / "linked").symlink_to(folder / "outside", target_is_directory=True)
                case = inside / "case.toml"
                case.write_text(f'title = "x"\n{key} = "{reference}"\n', encoding="utf-8")
                trace = folder / "trace"
                words = ["strace", "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", str(trace)]
                done = subprocess.run(
                    [*words, sys.executable, "-m", "sim", "check", str(case)],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                opened = [row for row in trace.read_text(errors="replace").splitlines() if not re.search(r"= -1 ", row)]
                outside = [row for row in opened if re.search(rf"{folder}/(secret|outside)|linked|/etc/passwd", row)]
                asked += 1
                held += done.returncode == 2 and "Traceback" not in done.stderr and not outside
                if outside:
                    print(key, reference, outside, file=sys.stderr)
    return Outcome(asked, held, 0, "exit 2; of what lies outside the folder nothing is opened")


def made(folder: Path) -> Path:
    """A folder, made."""
    folder.mkdir()
    return folder


def large(ground: Ground, count: int) -> Outcome:
    """As many states as matrices and as lists hold, with 10^5 ties: checked within 2 s."""
    told = [(f"{states:,} states, 10^5 ties", world(states, 100_000)) for states in (2_000, 10_000)]
    return tried(ground, told, seconds=2, code=0)
