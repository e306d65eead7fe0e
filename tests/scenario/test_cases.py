"""Examples of the file format: every file of tests/cases/ is accepted, or refused for the reasons that it names.

A file of tests/cases/invalid begins with `# error @LINE: field: message`, or `# error @FILE:LINE: field: message` for
another file, one line for each of its faults, whole. If it cannot contain them (empty, not UTF-8), a file .expected
beside it does. A file of tests/cases/valid may begin with `# warning @LINE: field: message`, one for each warning.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sim.cli import cli
from sim.errors import InputError
from sim.model import agents as mesa_agents
from sim.model import compiled
from sim.model.world import World, world_of
from sim.scenario import loading
from sim.scenario.loading import load_scenario, shipped_folder
from sim.scenario.overrides import with_settings
from sim.scenario.schema import MAX_STATES, Scenario

CASES = Path(__file__).parents[1] / "cases"
EXPECTED = re.compile(r"# (?:error|warning) @(?:([^:]+):)?(\d+): (.+)")
bibliography = cache(loading.load_bibliography)  # read once, for speed
LIBRARY = re.compile(
    "input should|should be a valid|unexpected keyword"
)  # words of the library, which messages must not contain
LINE = re.compile(r"(?P<file>[^:]+):(?P<line>\d+): (?:(?P<field>[^:]+): )?(?P<message>.+)")


def cases(kind: str) -> list[Path]:
    """Scenarios, worlds and bibliographies of a folder of cases, each as the file to check."""
    folder = CASES / kind
    return sorted([*folder.glob("*.toml"), *folder.glob("*/world.toml"), *folder.glob("*/sources.toml")])


def case_name(path: Path) -> str:
    """Name of a case: its file, or its folder if all such files have one name."""
    return path.parent.name if path.name in ("world.toml", "sources.toml") else path.stem


def named_faults(path: Path) -> list[tuple[str, int, str]]:
    """File, line, and field with message, of each fault or warning in the first lines of a case."""
    beside = path.with_suffix(".expected")
    found = []
    for line in (beside if beside.exists() else path).read_text("utf-8-sig").split("\n"):
        match = EXPECTED.fullmatch(line)
        if not match:
            break
        found.append((match[1] or path.name, int(match[2]), match[3]))
    return found


def shown_faults(lines: list[str]) -> list[tuple[str, int, str]]:
    """The same of the lines that the command shows."""
    places = [located(line) for line in lines]
    return [
        (Path(file).name, number, line.removeprefix(f"{file}:{number}: "))
        for line, (file, number) in zip(lines, places, strict=True)
    ]


@pytest.fixture(autouse=True)
def worlds_of_the_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scenarios of the cases build on the worlds of tests/cases/worlds."""
    monkeypatch.setenv("BLOCS_SCENARIOS", str(CASES))
    monkeypatch.setattr(loading, "load_bibliography", bibliography)


def check(*paths: Path | str) -> Result:
    """`blocs check` in this process."""
    return CliRunner().invoke(cli, ["check", *map(str, paths)])


def located(line: str) -> tuple[str, int]:
    """File and line of a fault; the line must exist, with any ending of lines."""
    match = LINE.fullmatch(line)
    assert match, f"not `file:line: field: message`: {line}"
    path, number = Path(match["file"]), int(match["line"])
    if path.is_file():
        assert 1 <= number <= len((path.read_bytes() + b".").splitlines()), line
    return match["file"], number


def refusal_lines(result: Result) -> list[str]:
    """The lines of a refusal."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr.splitlines()


def all_faults(path: Path) -> list[str]:
    """Lines of all faults of a file."""
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    return caught.value.lines(shown=10_000)


@pytest.mark.parametrize("path", cases("invalid"), ids=case_name)
def test_refusal_for_exactly_the_named_reasons(path: Path) -> None:
    reasons = named_faults(path)
    assert reasons, f"{path} does not begin with `# error @LINE: field: message`"
    lines = refusal_lines(check(path))
    if len(reasons) > 20:
        assert lines[20:] == [f"… and {len(reasons) - 20} more faults ({len(reasons)} in all; --json lists them)"]
        lines = all_faults(path)
    for line in lines:
        assert len(line) < 1000 + len(located(line)[0])
        assert not LIBRARY.search(line), line
    assert sorted(shown_faults(lines)) == sorted(reasons)


@pytest.mark.parametrize("path", cases("valid"), ids=case_name)
def test_valid_file_with_its_warnings(path: Path) -> None:
    result, warnings = check(path), named_faults(path)
    assert result.exit_code == 0, result.output
    expected = [(file, line, f"warning: {text}") for file, line, text in warnings]
    assert sorted(shown_faults(result.stderr.splitlines())) == sorted(expected)
    count = f", {len(warnings)} warning{'s' * (len(warnings) > 1)}" if warnings else ""
    assert result.stdout.splitlines()[0] == f"1 checked, no fault{count}"


def test_size_units_do_not_change_shares() -> None:
    def world(unit: float) -> World:
        four = load_scenario("four")
        changed = {f"states.{s}.{size}": getattr(record, size).value * unit for s, record in four.states.items()
                   for size in ("capability", "gdp")}  # fmt: skip
        trade = {f"ties.trade.{t.a}.{t.b}": t.value * unit for t in four.ties if t.kind == "trade"}
        return world_of(with_settings(four, {**changed, **trade}))

    billions, dollars = world(1.0), world(1e9)
    for name in ("capability", "product", "dependence"):
        np.testing.assert_array_equal(getattr(billions.setting, name), getattr(dollars.setting, name))


OBSERVED = ("alignment", "chances", "stability", "bite", "outcomes")


@pytest.mark.parametrize("path", [path for path in cases("valid") if path.name != "sources.toml"], ids=case_name)
def test_valid_file_as_a_record_and_in_both_engines(path: Path) -> None:
    scenario = load_scenario(path)
    assert Scenario.model_validate_json(scenario.model_dump_json()).digest() == scenario.digest()
    early = tuple(shock for shock in scenario.shocks if shock.step <= 2)
    short = scenario.model_copy(update={"steps": 2, "shocks": early})
    world = world_of(short)
    one, other = (run(short, seed=7, world=world) for run in (compiled.run_compiled, mesa_agents.run_agents))
    for name in OBSERVED:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_number_of_cases() -> None:
    assert len(cases("invalid")) >= 75
    assert len(cases("valid")) >= 22


def shipped_files() -> list[Path]:
    return sorted([*shipped_folder().glob("*.toml"), *shipped_folder().glob("worlds/*/world.toml")])


@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_shipped_file(path: Path) -> None:
    result = check(path)
    assert result.exit_code == 0, result.output


def test_faults_of_several_files() -> None:
    paths = [CASES / "invalid" / f"{name}.toml" for name in ("steps_0", "seed_negative")]
    lines = refusal_lines(check(*paths, CASES / "valid" / "plain.toml"))
    assert [Path(located(line)[0]).stem for line in lines] == ["seed_negative", "steps_0"]


# The command itself


def command(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a new process, in a folder."""
    program = "import sys; from sim.cli import main; sys.argv[0] = 'blocs'; main()"
    environment = {**os.environ, "PYTHONPATH": str(CASES.parent.parent)}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=folder, env=environment, capture_output=True, text=True,
        encoding="utf-8", check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [("check",), ("run", "--out", "results")],
    ids=lambda arguments: arguments[0],
)
def test_refusal_by_a_command_exits_with_2_and_writes_nothing(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = command(*arguments, str(CASES / "invalid" / "unknown_key_top.toml"), folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "stepsz: unknown key (did you mean 'steps'?)" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_first_20_faults_and_the_number_of_others() -> None:
    lines = refusal_lines(check(CASES / "invalid" / "twenty_five.toml"))
    assert len(lines) == 21
    assert lines[-1] == "… and 5 more faults (25 in all; --json lists them)"


def test_all_faults_as_json(tmp_path: Path) -> None:
    done = command("check", "--json", str(CASES / "invalid" / "twenty_five.toml"), folder=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
    faults = json.loads(done.stdout)["faults"]
    assert [fault["line"] for fault in faults] == list(range(29, 54))
    assert {fault["message"] for fault in faults} == {"unknown key"}


# Cases that need large files, links or missing files

COLUMNS = "id,name,theatre,capability,capability_source,note\n"


def copied_world(folder: Path, count: int) -> Path:
    """Write the world of three with this number of states."""
    folder.mkdir()
    (folder / "world.toml").write_bytes((CASES / "worlds" / "three" / "world.toml").read_bytes())
    rows = "".join(f"S{n},State {n},here,1,assumed,made up\n" for n in range(count))
    (folder / "states.csv").write_text(COLUMNS + rows, encoding="utf-8")
    return folder


def test_too_many_states(tmp_path: Path) -> None:
    (line,) = refusal_lines(check(copied_world(tmp_path / "big", MAX_STATES + 1)))
    assert line.endswith("states.csv:1: has 2001 rows; give at most 2000")


def test_time_of_refusing_many_unknown_states(tmp_path: Path) -> None:
    world = copied_world(tmp_path / "big", 2000)
    rows = "".join(f"S{n},X{n},bond,1\n" for n in range(2000))
    (world / "ties.csv").write_text("a,b,kind,value\n" + rows, encoding="utf-8")
    start = time.process_time()
    assert len(refusal_lines(check(world))) == 21
    assert time.process_time() - start < 20  # seconds of CPU, many times what it needs


@pytest.mark.parametrize("key", ["extends", "world"])
def test_link_out_of_the_folder(key: str, tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "worlds").mkdir(parents=True)
    copied_world(outside, 3)
    (outside / "secret.toml").write_text('title = "Secret"\nworld = "three"\n', encoding="utf-8")
    try:
        (inside / "secret.toml").symlink_to(outside / "secret.toml")
        (inside / "worlds" / "secret").symlink_to(outside, target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    (inside / "case.toml").write_text(f'title = "Case"\n{key} = "secret"\n', encoding="utf-8")
    (line,) = refusal_lines(check(inside / "case.toml"))
    assert located(line)[1] == 2
    assert f"{key}: 'secret' is a link that leads out of its folder" in line


@pytest.mark.parametrize("reference", ["nowhere", "nowhere.toml", "no/where", "worlds\0", "x" * 200])
def test_missing_file(reference: str) -> None:
    assert len(refusal_lines(check(reference))) == 1


def test_folder_without_a_world(tmp_path: Path) -> None:
    assert "does not exist" in refusal_lines(check(tmp_path))[0]


def test_long_chain_of_scenarios(tmp_path: Path) -> None:
    for n in range(400):
        (tmp_path / f"s{n}.toml").write_text(f'title = "S"\nextends = "s{n + 1}"\n', encoding="utf-8")
    (tmp_path / "s400.toml").write_text('title = "S"\nworld = "three"\n', encoding="utf-8")
    (line,) = refusal_lines(check(tmp_path / "s0.toml"))
    assert "more than 50 scenarios extend one another" in line
    assert check(tmp_path / "s360.toml").exit_code == 0


def test_too_large_file(tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    path.write_bytes(b"#" * (16 * 2**20 + 1))
    assert "is larger than 1 MB" in refusal_lines(check(path))[0]


def test_time_of_reading_a_long_blank_line(tmp_path: Path) -> None:
    path = tmp_path / "blank.toml"
    path.write_text('title = "A"\n' + " " * 100_000 + '\nworld = "three"\nstepz = 1\n', encoding="utf-8")
    start = time.process_time()
    (line,) = refusal_lines(check(path))
    assert time.process_time() - start < 20  # seconds of CPU, many times what it needs
    assert located(line)[1] == 4


@pytest.mark.parametrize("base", ["shocks = 3", "shocks = 'x'", "shocks = {}", "shocks = [{ step = 0 }]"])
def test_file_of_a_fault_in_a_merged_list(base: str, tmp_path: Path) -> None:
    shock = "{ kind = 'bond', step = 1, a = 'A', b = 'B', value = 2 }"
    (tmp_path / "base.toml").write_text(f'title = "A"\nworld = "three"\n{base}\n', encoding="utf-8")
    (tmp_path / "over.toml").write_text(f'title = "A"\nextends = "base"\n\nshocks = [{shock}]\n', encoding="utf-8")
    found = {
        (Path(located(line)[0]).stem, located(line)[1], line) for line in refusal_lines(check(tmp_path / "over.toml"))
    }
    assert [(file, line) for file, line, _ in found if file == "over"] == [("over", 4)]
    assert any("shocks[0].value: 2 is not a number in [0, 1]" in line for *_, line in found)
    assert [(file, line) for file, line, _ in found if file == "base"] == [("base", 3)] * (base[-1] == "]")


def test_file_of_a_fault_in_a_changed_state(tmp_path: Path) -> None:
    world = copied_world(tmp_path / "worlds_", 3)
    (tmp_path / "worlds").mkdir()
    world = world.rename(tmp_path / "worlds" / "faulty")
    (world / "states.csv").write_text(COLUMNS + "A,Alpha,here,-1,assumed,made up\n", encoding="utf-8")
    (tmp_path / "over.toml").write_text('title = "A"\nworld = "faulty"\n[states.A]\ninitial = "left"\n')
    (line,) = refusal_lines(check(tmp_path / "over.toml"))
    assert "states.csv:2: capability: -1 is not a number in [0, 1e+15], in one unit for all states" in line


# Random files

FORMS = (CASES / "valid" / "every_shock.toml", CASES / "valid" / "sweep_list.toml")
WORLD = CASES / "worlds" / "four"
ODD = [*"=[]{}\",;#.*@-", "\'\'\'", '"""', "\n", "\r", "\0", "\u2028", "é", "nan", "1e999", "9" * 20, "true",
       "[1]", "{}", "[[ties]]\n", "ties = 3\n", "[states.USA]\n", "kind = 'bond'\n"]  # fmt: skip
edits = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 30), st.sampled_from(ODD) | st.text(max_size=5)), min_size=1, max_size=4
)
fuzzed = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)


def mutated(text: str, edits: list[tuple[float, int, str]]) -> bytes:
    """Replace some spans of a text."""
    for place, length, new in edits:
        start = int(place * len(text))
        text = text[:start] + new + text[start + length :]
    return text.encode("utf-8", "surrogatepass")


def check_without_traceback(path: Path) -> None:
    """Assert that `blocs check` accepts a file, or refuses it with lines of the right form."""
    result = check(path)
    if result.exit_code:
        for line in refusal_lines(result)[:20]:
            located(line)


@fuzzed
@given(st.binary(max_size=300))
@example(b"a=1\r")
def test_random_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "random.toml"
    path.write_bytes(content)
    check_without_traceback(path)


@fuzzed
@given(st.sampled_from(FORMS), edits)
def test_mutated_scenario(
    tmp_path_factory: pytest.TempPathFactory, form: Path, edits: list[tuple[float, int, str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "mutated.toml"
    path.write_bytes(mutated(form.read_text("utf-8"), edits))
    check_without_traceback(path)


ODD_VALUES = [
    "0x" + "f" * 5000,
    "nan",
    "-1",
    "true",
    "''",
    "'x'",
    "[1]",
    "['x', 'x']",
    "[[]]",
    "{}",
    "[{}]",
    "2023-10-25",
]


@pytest.mark.parametrize("value", ODD_VALUES, ids=range(len(ODD_VALUES)))
def test_odd_value_of_every_key(value: str, tmp_path: Path) -> None:
    for form in (*FORMS, WORLD / "world.toml"):
        path = tmp_path / form.name
        text = form.read_text("utf-8")
        path.write_text(re.sub(r"(?m)^(?!world)([\w\".]+) = .*", rf"\1 = {value}", text), encoding="utf-8")
        check_without_traceback(path)
        path.write_text(re.sub(r"(value|source|note) = [^,}\n]*", rf"\1 = {value}", text), encoding="utf-8")
        check_without_traceback(path)


@pytest.mark.parametrize("value", ODD_VALUES, ids=range(len(ODD_VALUES)))
def test_odd_value_of_every_key_of_a_record(value: str, tmp_path: Path) -> None:
    world = shutil.copytree(WORLD, tmp_path / "four")
    lines = (WORLD / "observed.toml").read_text("utf-8").splitlines()
    for n, line in enumerate(lines):
        if " = " in line:
            odd = [*lines[:n], re.sub(r" = .*", f" = {value}", line), *lines[n + 1 :]]
            (world / "observed.toml").write_text("\n".join(odd), encoding="utf-8")
            check_without_traceback(world)


@fuzzed
@given(st.sampled_from(["world.toml", "states.csv", "ties.csv", "observed.toml"]), edits)
def test_mutated_world(
    tmp_path_factory: pytest.TempPathFactory, name: str, edits: list[tuple[float, int, str]]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "mutated"
    folder.mkdir(exist_ok=True)
    for path in WORLD.iterdir():
        content = path.read_text("utf-8")
        (folder / path.name).write_bytes(mutated(content, edits if path.name == name else []))
    check_without_traceback(folder)
