"""Input files that nobody wrote: mutations of bytes, lines, values and cells, and scenarios drawn from the schema."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sim.catalog import shipped
from sim.parameters import Parameters
from sim.scenario import Scenario
from sim.settings import MECHANISMS

CASES = Path(__file__).parent.parent / "tests" / "cases"
WORLD = ("world.toml", "states.csv", "ties.csv")
NUMBERS = ["0", "-0.0", "-1", "2", "1e308", "1e309", "-1e309", "5e-324", "nan", "inf", "-inf", "1_000", "0x1F",
           "0o7", "0b1", "9" * 19, "9" * 40, "9" * 5000, "0x" + "f" * 5000, "1e" + "9" * 20, "0.1" + "0" * 400,
          "2000000"]  # fmt: skip
VALUES = [*NUMBERS, "true", "''", "'x'", '"\\u0000"', '"\\U0010ffff"', "[]", "[1]", "[[]]", "{}", "[{}]", "'*'",
          "{ value = 1 }", "{ value = 1, source = 'nowhere' }", "{ value = {} }", "{ start = 0, stop = 1, points = 3 }",
          "2023-10-25", "07:32:00", "['x', 'x']", "[" * 40 + "]" * 40, "[" * 2000, "{a=" * 40 + "1" + "}" * 40, "'@x'",
          "'USA'", "'" + "x" * 5000 + "'", "'é'", '"""a\nb"""']  # fmt: skip
TOKENS = [*"=[]{}\"',;#.*@-\\/", "\'\'\'", '"""', "\n", "\r", "\r\n", "\0", "\x1b[31m", "\u2028", "\u202e", "\ufeff",
          "é", "e\u0301", "𝟙", "[[ties]]\n", "[[shocks]]\n", "[states]\n", "[[states.USA]]\n", "ties = 3\n",
          "a.b.c = 1\n", "[sweep.vary]\n", "extends = 'x'\n", "kind = 'bond'\n", "x" * 20_000,
          " " * 20_000, "#" * 20_000, "[" * 300, '"' * 300]  # fmt: skip
CELLS = [*NUMBERS, "", " ", '"', '""', '"a,b"', '"a\nb"', ",", "*", "@x", "USA", "=1+1", "é", "\0", "x" * 5000,
         "true"]  # fmt: skip
ENCODINGS = ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "utf-7", "cp037"]


@dataclass(frozen=True)
class Input:
    """Files of a folder, the one to load among them, and how they were made."""

    files: dict[str, bytes]
    target: str
    made: str

    def written(self, folder: Path) -> Path:
        """Write the files into an emptied folder; the path of the one to load."""
        for old in folder.iterdir():
            old.unlink()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return folder / self.target


def seeds() -> list[Input]:
    """The shipped files and those of tests/cases, small ones first."""
    found = []
    for folder in (shipped(), CASES / "valid", CASES / "invalid"):
        found += [Input({p.name: p.read_bytes()}, p.name, p.stem) for p in folder.glob("*.toml")]
    for place in (shipped() / "worlds", CASES / "worlds", CASES / "valid", CASES / "invalid"):
        for path in place.glob("*/world.toml"):
            files = {name: (path.parent / name).read_bytes() for name in WORLD if (path.parent / name).is_file()}
            found.append(Input(files, "world.toml", path.parent.name))
    for path in CASES.glob("*/*/sources.toml"):
        found.append(Input({path.name: path.read_bytes()}, path.name, path.parent.name))
    return sorted(found, key=lambda seed: (sum(map(len, seed.files.values())), seed.made))


def spot(rng: random.Random, content: bytes) -> int:
    """A place in a content, its end included."""
    return rng.randint(0, len(content))


def flip(rng: random.Random, content: bytes) -> bytes:
    """One bit turned."""
    at = spot(rng, content[1:])
    return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :] if content else b"\0"


def cut(rng: random.Random, content: bytes) -> bytes:
    """A span, sometimes all of the rest, taken out."""
    start = spot(rng, content)
    return content[:start] + (content[start + rng.randint(1, 40) :] if rng.random() < 0.7 else b"")


def insert(rng: random.Random, content: bytes) -> bytes:
    """An odd token put in."""
    at = spot(rng, content)
    return content[:at] + rng.choice(TOKENS).encode() + content[at:]


def lines(rng: random.Random, content: bytes) -> bytes:
    """A line doubled, many times over, taken out or moved."""
    rows = content.split(b"\n")
    row = rows.pop(rng.randrange(len(rows)))
    times = rng.choice([0, 1, 2, 2, 3, 300])
    at = rng.randint(0, len(rows))
    return b"\n".join([*rows[:at], *[row] * times, *rows[at:]])


def value(rng: random.Random, content: bytes) -> bytes:
    """The value of a key replaced by an odd one."""
    found = list(re.finditer(rb"=[ \t]*([^=,}\n]*)", content))
    return replaced_at(rng, found, content, VALUES)


def figure(rng: random.Random, content: bytes) -> bytes:
    """A number replaced by an odd one."""
    return replaced_at(rng, list(re.finditer(rb"\b(\d[\d._]*)", content)), content, NUMBERS)


def cell(rng: random.Random, content: bytes) -> bytes:
    """A cell of a table replaced by an odd one."""
    return replaced_at(rng, list(re.finditer(rb"(?:^|,)([^,\n]*)", content, re.MULTILINE)), content, CELLS)


def word(rng: random.Random, content: bytes) -> bytes:
    """A word replaced by another word of the same file, or by itself with a slip of the pen."""
    found = list(re.finditer(rb"([A-Za-z_@*][\w.]*)", content))
    words = [match[1].decode() for match in found] or ["x"]
    slip = rng.choice(words)
    return replaced_at(rng, found, content, [rng.choice(words), slip[:1] + slip, slip.upper(), f'"{slip}"'])


def replaced_at(rng: random.Random, found: Sequence[re.Match[bytes]], content: bytes, by: Sequence[str]) -> bytes:
    """One of some places replaced by one of some texts."""
    if not found:
        return content + rng.choice(by).encode()
    start, end = rng.choice(found).span(1)
    return content[:start] + rng.choice(by).encode() + content[end:]


def ends(rng: random.Random, content: bytes) -> bytes:
    """Other line ends."""
    return content.replace(b"\n", rng.choice([b"\r\n", b"\r", b"\n\n", b"\x0b", b"\xe2\x80\xa8", b""]))


def encoded(rng: random.Random, content: bytes) -> bytes:
    """Another encoding, or bytes that are none."""
    text = content.decode("utf-8", "replace") + rng.choice(["", "é", "№"])
    name = rng.choice([*ENCODINGS, "surrogate"])
    if name == "surrogate":
        return insert(rng, content) + rng.choice([b"\xed\xa0\x80", b"\xff", b"\xc0\x80", b"\xf4\x90\x80\x80"])
    return text.encode(name, "replace")


Mutation = Callable[[random.Random, bytes], bytes]
MUTATIONS: list[Mutation] = [
    flip,
    cut,
    insert,
    lines,
    lines,
    value,
    value,
    value,
    value,
    figure,
    figure,
    word,
    word,
    word,
]
OF_TABLES: list[Mutation] = [flip, cut, insert, lines, lines, cell, cell, cell, cell, word]
RARELY: list[Mutation] = [ends, encoded]


def mutant(rng: random.Random, seed: Input, other: Input) -> Input:
    """A seed with up to five mutations, sometimes with part of another one put in."""
    files, done = dict(seed.files), []
    for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 5])):
        name = rng.choice(sorted(files))
        mutations = RARELY if rng.random() < 0.05 else OF_TABLES if name.endswith(".csv") else MUTATIONS
        mutation = rng.choice(mutations)
        files[name] = mutation(rng, files[name])
        done.append(mutation.__name__)
    if rng.random() < 0.1:
        name = rng.choice(sorted(files))
        rows = other.files.get(name, next(iter(other.files.values()))).split(b"\n")
        start = rng.randrange(len(rows))
        files[name] += b"\n" + b"\n".join(rows[start : start + rng.randint(1, 20)])
        done.append("splice")
    if rng.random() < 0.02 and len(files) > 1:
        del files[rng.choice([name for name in sorted(files) if name != seed.target])]
        done.append("file taken away")
    return replace(seed, files=files, made=f"{seed.made.split(':')[0]}: {', '.join(done)}")


STATES, BLOCS, THEATRES, CLUBS = ("A", "B", "C"), ("left", "right"), ("here",), ("club",)
ENDS = (*STATES, *STATES, "*", "@club")
NAMES = {
    "theatre": THEATRES, "theatres": THEATRES, "priority": THEATRES, "bloc": BLOCS, "blocs": BLOCS,
    "regime": ("", *BLOCS),
    "institution": CLUBS, "institutions": CLUBS, "state": STATES, "states": STATES, "leader": STATES, "members": STATES,
    "a": ENDS, "b": ENDS, "sender": ENDS, "target": ENDS, "initial": (*BLOCS, "random", "non_aligned"),
    "parameter": tuple(Parameters.model_fields), "without": tuple(MECHANISMS),
    "vary": ("erosion", "w_pressure", "blocs.left.enforcement", "ties.bond.A.B", "states.A.autonomy",
             "blocs.*.accommodation"),
}  # fmt: skip
WORDS = tuple(dict.fromkeys(name for names in NAMES.values() for name in names))
SLIPS: tuple[Any, ...] = (
    True,
    -1,
    0.5,
    10**30,
    float("nan"),
    "x",
    "",
    [],
    [1],
    {},
    {"x": 1},
    [[]],
    {"value": "x"},
    "x" * 500,
)
SCHEMA = Scenario.model_json_schema()
KNOWN = SCHEMA["$defs"]


def drawn(rng: random.Random) -> Input:
    """A scenario drawn from the schema over a world of tests/cases, with slips at a rate that differs."""
    content = table_from(SCHEMA, "", rng, rng.choice([0, 0, 0.003, 0.01, 0.1]))
    for key in ("states", "theatres", "blocs", "institutions", "sweep"):
        if rng.random() < (0.5 if key in ("institutions", "sweep") else 0.8):
            content.pop(key, None)  # what the world says agrees with itself
    content["world"] = "three"
    return Input({"drawn.toml": toml(content).encode("utf-8", "replace")}, "drawn.toml", "drawn")


def from_schema(node: Any, key: str, rng: random.Random, wrong: float) -> Any:
    """A value that the JSON schema allows of a key, or, at a rate, one that it does not."""
    if rng.random() < wrong:
        return rng.choice(SLIPS)
    if "$ref" in node:
        return from_schema(KNOWN[node["$ref"].rpartition("/")[2]], key, rng, wrong)
    for several in ("anyOf", "oneOf"):
        if several in node:
            options = [option for option in node[several] if option.get("type") != "null"]
            return from_schema(rng.choice(options), key, rng, wrong)
    if "const" in node or "enum" in node:
        return node["const"] if "const" in node else rng.choice(node["enum"])
    kind = node.get("type", "string")
    if kind == "object":
        return rng.random() if key != "sweep" and rng.random() < 0.3 and "value" in node.get("properties", ()) else (
            table_from(node, key, rng, wrong)
        )  # fmt: skip
    if kind == "array":
        values = [from_schema(node.get("items", {}), key, rng, wrong) for _ in range(rng.choice([0, 1, 1, 2, 4]))]
        return list({json.dumps(value): value for value in values}.values()) if key == "members" else values
    if kind == "integer":
        low, high = node.get("minimum", 0), node.get("maximum", 10**6)
        return rng.choice([low, low, low + 1, low + 2, rng.randint(low, min(high, low + 20)), high])
    if kind == "number":
        return rng.choice([0, 1, 0.5, 0.25, rng.random(), rng.random(), 1.5])
    return rng.random() < 0.5 if kind == "boolean" else rng.choice(NAMES.get(key, ("", "text")))


def table_from(node: Any, key: str, rng: random.Random, wrong: float) -> dict[str, Any]:
    """A table that the JSON schema allows: what it requires, some of what it may have."""
    if "properties" in node:
        required = node.get("required", ())
        return {
            name: from_schema(below, "" if name.endswith("source") else name, rng, wrong)
            for name, below in node["properties"].items()
            if (name in required or rng.random() < 0.3) and rng.random() >= wrong and not name.endswith("source")
        }
    below: Any = node.get("additionalProperties") or next(iter(node.get("patternProperties", {}).values()), {})
    names = list(NAMES.get(key, WORDS))
    chosen = names if len(names) < 4 else rng.sample(names, rng.choice([0, 1, 2]))
    return {name: from_schema(below, name, rng, wrong) for name in chosen}


def toml(content: Any) -> str:
    """A table as TOML: its top-level keys one a line, all below inline."""
    return "\n".join(f"{json.dumps(str(key))} = {inline(value)}" for key, value in content.items()) + "\n"


def inline(content: Any) -> str:
    """A value as inline TOML."""
    if isinstance(content, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {inline(part)}" for key, part in content.items()) + "}"
    if isinstance(content, list):
        return "[" + ", ".join(map(inline, content)) + "]"
    return repr(content).lower() if isinstance(content, (bool, float)) else json.dumps(content)
