"""The last value that a file may have and the first that it may not, with the exact place of each fault."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sim.errors import Fault, InputError
from sim.scenario.checks.dates import Calendar
from sim.scenario.files import MAX_BYTES, MAX_KEYS, MAX_TOML, key_lines, parse_toml, read_text, read_toml_draft
from sim.scenario.loading import find_scenario, load_scenario, without_garbage_collection
from sim.scenario.overrides import MECHANISMS, with_mechanism_off, with_settings
from sim.scenario.parameters import TAKEN_OVER, UNBOUNDED, Parameters
from sim.scenario.schema import (
    MAX_BLOCS,
    MAX_POINTS,
    MAX_REPLICATES,
    MAX_SHOCKS,
    MAX_SPREAD,
    MAX_STATES,
    MAX_TIES,
    Scenario,
    Tie,
)
from sim.scenario.shocks import MAX_STEPS
from sim.scenario.tables import parse_chances, read_table
from tests.strategies import small

CASES = Path(__file__).parents[1] / "cases"
HERE = Path("w.toml")


def refused(call: Callable[[], Any]) -> list[tuple[str, int, str, str]]:
    """File without its folder, line, field and message of each fault."""
    with pytest.raises(InputError) as caught:
        call()
    return [(Path(one.file).name, one.line, one.field, one.message) for one in caught.value.faults]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose scenarios build on the worlds of tests/cases/worlds."""
    monkeypatch.setenv("BLOCS_SCENARIOS", str(CASES))
    return tmp_path


# Files


def test_limits_of_files() -> None:
    assert (MAX_BYTES, MAX_TOML, MAX_KEYS) == (16_777_216, 1_048_576, 30_000)
    assert (MAX_STATES, MAX_TIES, MAX_BLOCS, MAX_SHOCKS, MAX_STEPS) == (2_000, 500_000, 8, 10_000, 10_000)
    assert (MAX_POINTS, MAX_REPLICATES, MAX_SPREAD, UNBOUNDED) == (100_000, 10_000_000, 10_000, 1e9)


def test_largest_file(tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    path.write_bytes(b"#" * 2**21)
    assert len(read_text(path, 2**21)) == 2**21
    assert refused(lambda: read_text(path, 2**21 - 1)) == [
        ("w.toml", 1, "", "is larger than 1 MB, the limit for toml files")
    ]
    assert refused(lambda: read_text(tmp_path)) == [(tmp_path.name, 1, "", "is not a file that can be read")]
    assert refused(lambda: read_text(tmp_path / "x.csv")) == [("x.csv", 1, "", "does not exist")]
    path.write_bytes(b"a\nb\n\xff")
    assert refused(lambda: read_text(path)) == [("w.toml", 3, "", "is not UTF-8; save the file as UTF-8 text")]


def test_most_values_of_a_file() -> None:
    last = "a = 1 #" + "=" * (MAX_KEYS - 1)
    assert parse_toml(HERE, last) == ({"a": 1}, {("a",): 1})
    assert refused(lambda: parse_toml(HERE, last + "=")) == [
        ("w.toml", 1, "", "has 30001 equal signs; a file gives at most 30000 values")
    ]


@pytest.mark.parametrize(
    "nested",
    [
        lambda levels: "a = " + "[" * (levels - 1) + "]" * (levels - 1),
        lambda levels: ".".join("a" * levels) + " = 1",
        lambda levels: "[" + ".".join("a" * (levels - 1)) + "]\na = 1",
    ],
)
def test_deepest_nesting(nested: Callable[[int], str]) -> None:
    assert parse_toml(HERE, nested(32))[0]
    ((*_, message),) = refused(lambda: parse_toml(HERE, nested(33)))
    assert message == "is not TOML: nested too deeply; give at most 32 levels"


def test_line_of_a_key_that_is_nested_too_deeply() -> None:
    text = '\nb = """\ntwo\n"""\n' + ".".join("a" * 33) + " = 1\n"
    assert refused(lambda: parse_toml(HERE, text))[0][1] == 5


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('\n\na = "x\n', 3),
        ("a = '''\n\n", 1),
        ('b = "y" # "\na = 1\nc = "', 3),
        ('a = "x\r\n', 1),
        ('b = 1\na = """x"', 2),
    ],
)
def test_line_of_an_open_quotation_mark(text: str, line: int) -> None:
    found = refused(lambda: parse_toml(HERE, text))
    assert found == [("w.toml", line, "", "is not TOML: a quotation mark is not closed")]


@pytest.mark.parametrize("text", ['"x\ry"', '"""x\ry"""', "'x\ry'", "'x\x01'", "1 # \x01", '"\x01"'])
def test_line_of_a_control_character(text: str) -> None:
    message = "is not TOML: the line has a control character; remove it"
    assert refused(lambda: parse_toml(HERE, f"b = 1\na = {text}\n")) == [("w.toml", 2, "", message)]


@pytest.mark.parametrize(("text", "line"), [("a = [\n1,\n", 2), ("a = [\n1,", 2), ("\n\n[a", 3)])
def test_line_of_a_text_that_ends_too_early(text: str, line: int) -> None:
    assert refused(lambda: parse_toml(HERE, text))[0][1] == line


def test_longest_whole_number() -> None:
    assert parse_toml(HERE, f"a = {2**10_000 - 1:#x}")[0] == {"a": 2**10_000 - 1}
    found = refused(lambda: parse_toml(HERE, f"\n\na = {2**10_000:#x}"))
    assert found == [("w.toml", 3, "", "is not TOML: a whole number has thousands of digits")]


def test_most_entries_of_a_list(tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    path.write_text(f"a = 1\nshocks = [{'1,' * MAX_SHOCKS}]\n", encoding="utf-8")
    draft = read_toml_draft(path)
    assert (draft.faults, draft.whole, len(draft.content["shocks"])) == ([], True, MAX_SHOCKS)
    assert draft.fault(("shocks", MAX_SHOCKS - 1, "kind"), "x")[1:3] == (2, "shocks[9999].kind")
    path.write_text(f"a = 1\nshocks = [{'1,' * (MAX_SHOCKS + 1)}]\n", encoding="utf-8")
    draft = read_toml_draft(path)
    assert [fault[1:] for fault in draft.faults] == [(2, "shocks", "has 10001 entries; give at most 10000")]
    assert (draft.whole, draft.content) == (False, {"a": 1, "shocks": []})


def test_most_rows_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"

    def read(rows: int) -> Any:
        path.write_text("\n\na,b\n" + "1,x\n,\n" * rows, encoding="utf-8")
        return read_table(path, ("a",), ("b",), ("a",), 3)

    assert ([line for line, _ in read(3).rows], read(3).faults) == ([4, 6, 8], [])
    assert [fault[1:] for fault in read(4).faults] == [(1, "", "has 4 rows; give at most 3")]
    assert read(4).rows == []


@pytest.mark.parametrize(
    ("cell", "chances"),
    [
        ("west 0.5; east 0.5;", {"west": 0.5, "east": 0.5}),
        (" west  1 ", {"west": 1}),
        ("west x; east 1_0; south 1e-1", {"west": "x", "east": "1_0", "south": 0.1}),
        *((cell, cell) for cell in ("west 0.3; west 0.7", "west", "west 0.5; east", "west 0.5 east 0.5")),
    ],
)
def test_chances_of_a_cell(cell: str, chances: object) -> None:
    """A cell that is no table of names and chances stays a text, which validation refuses."""
    assert parse_chances(cell) == chances


def test_longest_chain_of_scenarios(tmp_path: Path) -> None:
    """Fifty files, of which the last has a world."""
    for n in range(51):
        base = 'world = "four"' if n == 50 else f'extends = "s{n + 1}"'
        (tmp_path / f"s{n}.toml").write_text(f'title = "{n}"\n{base}\n', encoding="utf-8")
    shutil.copytree(CASES / "worlds" / "four", tmp_path / "worlds" / "four")
    assert load_scenario(tmp_path / "s1.toml").title == "1"
    message = "more than 50 scenarios extend one another; extend one nearer to its world"
    assert refused(lambda: load_scenario(tmp_path / "s0.toml")) == [("s50.toml", 2, "world", message)]


def test_lines_of_all_keys() -> None:
    """A table, a dotted key or an entry of a list gives a line to all that it opens; a text has none within."""
    text = (
        "a.b.'c.d' = 1\n"  # 1
        '"é \\" x".y = """\nz = 2\n"""  # [n]\n'  # 2 to 4
        "m = [ # [\n  { n = 1 }, ']',\n]\n"  # 5 to 7
        "[t.u]\nv = '''\n[w]\n'''\n"  # 8 to 11
        "[[s]]\n[s.o]\np = 1\n[[s.q]]\n[[s.q]]\nr = 1\n[[s]]\n"  # 12 to 18
        "[t]\nx = 2\n"  # 19, 20
    )
    assert key_lines(text) == {
        ("a",): 1, ("a", "b"): 1, ("a", "b", "c.d"): 1, ('é " x',): 2, ('é " x', "y"): 2, ("m",): 5,
        ("t",): 19, ("t", "u"): 8, ("t", "u", "v"): 9, ("s",): 12, ("s", 0): 12, ("s", 0, "o"): 13,
        ("s", 0, "o", "p"): 14, ("s", 0, "q"): 15, ("s", 0, "q", 0): 15, ("s", 0, "q", 1): 16,
        ("s", 0, "q", 1, "r"): 17, ("s", 1): 18, ("t", "x"): 20,
    }  # fmt: skip


# Files over files


def test_place_of_a_number_in_place_of_a_table(folder: Path) -> None:
    """What a file replaces has the place where that file gives it, whole, and not where it was before."""
    base = 'title = "A"\nworld = "four"\n[parameters.erosion]\nvalue = 0.5\nsource = "assumed"\nnote = "x"\n'
    (folder / "base.toml").write_text(base, encoding="utf-8")
    (folder / "over.toml").write_text('title = "A"\nextends = "base"\n[parameters]\n\nerosion = inf\n', "utf-8")
    assert refused(lambda: load_scenario(folder / "over.toml")) == [
        ("over.toml", 5, "parameters.erosion.value", "inf is not a finite number")
    ]


def test_place_of_entries_of_joined_lists(folder: Path) -> None:
    """Ties of a world, of a file and of one over it: each has its own file, line and number."""
    tie = '[[ties]]\nkind = "bond"\na = "USA"\nb = "{}"\nvalue = 0.5\n'
    (folder / "base.toml").write_text('title = "A"\nworld = "four"\n' + tie.format("RUS") + tie.format("X"), "utf-8")
    (folder / "over.toml").write_text('title = "A"\nextends = "base"\n' + tie.format("PRK") + tie.format("Y"), "utf-8")
    known = "(known: GBR, PRK, RUS, USA)"
    assert refused(lambda: load_scenario(folder / "over.toml")) == [
        ("base.toml", 11, "ties[1].b", f"unknown state 'X' {known}"),
        ("over.toml", 11, "ties[1].b", f"unknown state 'Y' {known}"),
    ]


def test_tie_twice_in_a_file_and_once_in_another(folder: Path) -> None:
    tie = '[[ties]]\nkind = "{}"\na = "{}"\nb = "{}"\nvalue = 0.5\n'
    both = tie.format("bond", "USA", "RUS") + tie.format("bond", "RUS", "USA")
    other = tie.format("sanction", "USA", "RUS") + tie.format("sanction", "RUS", "USA")
    (folder / "base.toml").write_text('title = "A"\nworld = "four"\n' + tie.format("bond", "USA", "RUS"), "utf-8")
    (folder / "over.toml").write_text('title = "A"\nextends = "base"\n' + both + other, "utf-8")
    assert refused(lambda: load_scenario(folder / "over.toml")) == [
        ("over.toml", 8, "ties[1]", "this bond of RUS and USA is on line 3 already; give it once")
    ]


def test_name_of_nothing() -> None:
    message = "unknown scenario or world; `blocs list` shows all"
    assert refused(lambda: find_scenario("zzzzzz")) == [("zzzzzz", 1, "", message)]
    for path in ("no/where", "where.toml"):
        assert refused(lambda path=path: load_scenario(path)) == [(Path(path).name, 1, "", "does not exist")]  # type: ignore[misc]


def test_folder_of_results_is_no_scenario(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.json").write_text("{}", encoding="utf-8")
    message = "is a folder of results; give a scenario here, and the folder to compare, claims, report or query"
    assert refused(lambda: find_scenario(str(tmp_path / "out"))) == [("out", 1, "", message)]


@pytest.mark.parametrize("on", [True, False])
def test_garbage_collection_is_as_before(on: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        with without_garbage_collection():
            assert not gc.isenabled()
        assert gc.isenabled() == on
        with pytest.raises(KeyError), without_garbage_collection():
            raise KeyError
        assert gc.isenabled() == on
    finally:
        (gc.enable if was else gc.disable)()


def test_defaults_of_another_world_are_taken_over(folder: Path) -> None:
    """Each says so, but the article's own and those that a file gives."""
    (folder / "w.toml").write_text('title = "A"\nworld = "four"\n[parameters]\nerosion = 0.1\n', "utf-8")
    own, article = load_scenario(folder / "w.toml").parameters, load_scenario("article_2023").parameters
    taken = {name for name in Parameters.model_fields if getattr(own, name).note == TAKEN_OVER}
    assert Parameters.model_fields.keys() - taken == {"w_propensity", "erosion"}
    assert own.w_propensity == Parameters().w_propensity
    assert TAKEN_OVER not in {getattr(article, name).note for name in Parameters.model_fields}


# Dates


def test_shortest_and_longest_run_of_a_calendar() -> None:
    """Ten thousand months are 833 years and four months."""
    calendar = Calendar(date(2000, 1, 15), "month")
    assert (calendar.steps_until(date(2000, 2, 15)), calendar.steps_until(date(2833, 6, 14))) == (1, MAX_STEPS)
    with pytest.raises(ValueError, match=r"^2833-06-15 makes 10001 steps; give a day that makes at most 10000$"):
        calendar.steps_until(date(2833, 6, 15))
    first = r"^2000-02-14 is before the first step ends, on 2000-02-15; give that day or a later one$"
    with pytest.raises(ValueError, match=first):
        calendar.steps_until(date(2000, 2, 14))
    assert (calendar.step_of(date(2000, 1, 15)), calendar.step_of(date(2000, 2, 16))) == (1, 2)
    with pytest.raises(ValueError, match=r"^2000-01-14 is before the date of the world, 2000-01-15$"):
        calendar.step_of(date(2000, 1, 14))


# Settings


def test_faults_of_settings_are_exact() -> None:
    scenario = small()
    asked: Any = {"erosion": "1", "strain": True, "w_bond": None, "w_trade": 1}
    with pytest.raises(InputError) as caught:
        scenario.with_settings(asked)
    assert caught.value.faults == [
        Fault("with_settings", 1, "erosion", "'1' is not a number"),
        Fault("with_settings", 1, "strain", "True is not a number"),
        Fault("with_settings", 1, "w_bond", "None is not a number"),
    ]
    with pytest.raises(InputError) as caught:
        scenario.with_settings([("erosion", 1)])  # type: ignore[arg-type]
    message = "[('erosion', 1)] is not a mapping of settings to numbers"
    assert caught.value.faults == [Fault("with_settings", 1, "settings", message)]
    with pytest.raises(InputError) as caught:
        scenario.with_settings({"erosion": 21, "parameters.w_bond": 1, "w_bond": 2})
    assert caught.value.faults == [
        Fault("with_settings", 1, "erosion", "parameters.erosion: 21 is not a number in [0, 20]"),
        Fault("with_settings", 1, "w_bond", "gives parameters.w_bond, and so does parameters.w_bond; leave one out"),
    ]


def test_longest_level() -> None:
    tie = {"kind": "bond", "a": "A", "b": "B", "value": 1}
    assert Tie.model_validate({**tie, "level": "x" * 40}).level == "x" * 40
    with pytest.raises(ValidationError, match="at most 40 characters"):
        Tie.model_validate({**tie, "level": "x" * 41})


def test_tie_of_the_only_two_states() -> None:
    content = small().model_dump()
    content |= {"states": {id: content["states"][id] for id in "AB"}, "ties": (), "institutions": {}}
    found = with_settings(Scenario.model_validate(content), {"ties.bond.B.A": 0.25})
    assert [(tie.a, tie.b, tie.value) for tie in found.ties] == [("A", "B", 0.25)]


def test_without_every_mechanism() -> None:
    """No weight and no rate remains, blocs offer nothing, and their attention suffices for everything."""
    off = small(parameters=dict.fromkeys(Parameters.model_fields, 0.5))
    for mechanism in MECHANISMS:
        off = with_mechanism_off(off, mechanism)
    left = {name for name in Parameters.model_fields if getattr(off.parameters, name).value != 0}
    assert left == {"pressure_floor", "temperature", "accommodation_cost"}
    assert {(bloc.accommodation.value, bloc.attention_budget.value) for bloc in off.blocs.values()} == {(0, UNBOUNDED)}
