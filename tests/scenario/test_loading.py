"""The search for scenarios, worlds and bibliographies, files of a world that are not read, and similar faults."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import sim
from sim.cli import cli
from sim.errors import Fault, InputError
from sim.scenario.loading import load_bibliography, load_scenario

CASES = Path(__file__).parents[1] / "cases"
OWN_SOURCE = 'title = "W"\nworld = "four"\nsteps = 2\n[parameters]\nerosion = {{ value = 0.5, source = "{key}" }}\n'


def blocs(*words: object) -> Result:
    """The command in this process."""
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a user with worlds, a scenario, and another one that extends it."""
    shutil.copytree(CASES / "worlds", tmp_path / "worlds")
    (tmp_path / "w.toml").write_text('title = "W"\nworld = "four"\nsteps = 2\n', encoding="utf-8")
    (tmp_path / "near.toml").write_text('title = "N"\nextends = "w"\nsteps = 3\n', encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("command", ["check", "show", "run", "sweep"])
@pytest.mark.parametrize("file", ["w.toml", "near.toml", "worlds/four"])
def test_neighbour_in_commands(command: str, file: str, folder: Path) -> None:
    more = ["--replicates", "1", "--out", folder / "out"] if command == "sweep" else []
    done = blocs(command, folder / file, *more)
    assert done.exit_code == 0, done.output


def test_neighbour_in_python(folder: Path) -> None:
    assert sim.load(folder / "near.toml").steps == 3


@pytest.mark.parametrize("command", ["check", "show", "run", "sweep"])
def test_sources_beside_the_scenario(command: str, folder: Path) -> None:
    (folder / "w.toml").write_text(OWN_SOURCE.format(key="own_book"), encoding="utf-8")
    (folder / "sources.toml").write_text('[own_book]\ntitle = "Own"\n', encoding="utf-8")
    more = ["--replicates", "1", "--out", folder / "out"] if command == "sweep" else []
    done = blocs(command, folder / "w.toml", *more)
    assert done.exit_code == 0, done.output
    (folder / "sources.toml").unlink()
    assert (
        "unknown source 'own_book'; add it to a sources.toml beside this file"
        in blocs("check", folder / "w.toml").output
    )


def test_sources_beside_the_folder_of_worlds(folder: Path) -> None:
    table = folder / "worlds" / "four" / "ties.csv"
    table.write_text(table.read_text("utf-8").replace("assumed", "own_book"), encoding="utf-8")
    (folder / "sources.toml").write_text('[own_book]\ntitle = "Own"\n', encoding="utf-8")
    assert blocs("check", folder / "worlds" / "four").exit_code == 0
    shutil.move(folder / "sources.toml", folder / "worlds" / "four")
    assert blocs("check", folder / "w.toml").exit_code == 0


def test_nearest_sources_come_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = folder / "far"
    far.mkdir()
    monkeypatch.setenv("BLOCS_SCENARIOS", str(far))
    (far / "sources.toml").write_text('[own]\ntitle = "Far"\n[other]\ntitle = "Other"\n', encoding="utf-8")
    (folder / "sources.toml").write_text('[own]\ntitle = "Near"\n', encoding="utf-8")
    found = load_bibliography(folder / "w.toml")
    assert (found["own"].title, found["other"].title) == ("Near", "Other")
    assert "article" in found


def test_broken_sources_beside_other_faults(folder: Path) -> None:
    world = folder / "worlds" / "four"
    (folder / "sources.toml").write_text("[own\n", encoding="utf-8")
    (world / "sources.toml").write_text("[own]\nyear = 'x'\n", encoding="utf-8")
    (folder / "w.toml").write_text(OWN_SOURCE.format(key="assumed") + "[states.USA]\ninitial = 'far'\n", "utf-8")
    with pytest.raises(InputError) as caught:
        load_scenario(folder / "w.toml")
    found = {(Path(fault.file).parts[-2:], fault.line, fault.field) for fault in caught.value.faults}
    assert found == {
        ((folder.name, "sources.toml"), 1, ""),
        (("four", "sources.toml"), 1, "own.title"),
        (("four", "sources.toml"), 2, "own.year"),
        ((folder.name, "w.toml"), 5, "parameters.erosion.source"),
        ((folder.name, "w.toml"), 7, "states.USA.initial"),
    }


# Files that are not read


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("Ties.csv", "rename it to ties.csv"),
        ("TIES.CSV", "rename it to ties.csv"),
        ("ties.csv.csv", "rename it to ties.csv"),
        ("ties.txt", "rename it to ties.csv"),
        ("tie.csv", "rename it to ties.csv"),
        ("ties (1).csv", "rename it to ties.csv"),
        ("ties.xlsx", "save it as ties.csv"),
        ("Ties.ods", "save it as ties.csv"),
    ],
)
@pytest.mark.parametrize(
    "reference", ["w.toml", "near.toml", "worlds/four", "worlds/four/world.toml", "worlds/four/states.csv"]
)
def test_table_under_another_name(name: str, remedy: str, reference: str, folder: Path) -> None:
    (folder / "worlds" / "four" / "ties.csv").rename(folder / "worlds" / "four" / name)
    for command in ("check", "run"):
        done = blocs(command, folder / reference)
        assert done.exit_code == 2
        assert f"{name}:1: is not read; {remedy}\n" in done.stderr
    with pytest.raises(InputError, match="is not read"):
        load_scenario(folder / reference)


def test_observed_under_another_name(folder: Path) -> None:
    world = folder / "worlds" / "four"
    (world / "observed.toml").rename(world / "Observed.toml")
    assert "Observed.toml:1: is not read; rename it to observed.toml" in blocs("check", world).stderr


def test_world_file_under_another_name(folder: Path) -> None:
    world = folder / "worlds" / "four"
    (world / "world.toml").rename(world / "World.toml")
    stderr_text = blocs("check", world).stderr
    assert "World.toml:1: is not read; rename it to world.toml" in stderr_text
    assert "world.toml:1: does not exist" in stderr_text


def test_second_table_beside_the_first(folder: Path) -> None:
    world = folder / "worlds" / "four"
    shutil.copy(world / "ties.csv", world / "Ties.csv")
    assert "Ties.csv:1: is not read; ties.csv beside it is; keep one of the two" in blocs("check", world).stderr


@pytest.mark.parametrize("kind", ["folder", "broken link"])
def test_table_that_is_no_file(kind: str, folder: Path) -> None:
    table = folder / "worlds" / "four" / "ties.csv"
    table.unlink()
    if kind == "folder":
        table.mkdir()
    else:
        table.symlink_to("nowhere")
    done = blocs("check", folder / "worlds" / "four")
    assert done.exit_code == 2
    assert "ties.csv:1: is not a file that can be read" in done.stderr


@pytest.mark.parametrize(
    "name", ["README", "readme.md", "README.txt", ".git", ".~lock.ties.csv#", "~$ties.xlsx", "ties.csv~"]
)
def test_ignored_file(name: str, folder: Path) -> None:
    (folder / "worlds" / "four" / name).write_text("x", encoding="utf-8")
    assert blocs("check", folder / "worlds" / "four").exit_code == 0


def test_folder_within_a_world(folder: Path) -> None:
    (folder / "worlds" / "four" / "raw").mkdir()
    assert "raw:1: is not read; a world's folder has world.toml" in blocs("check", folder / "worlds" / "four").stderr


# Similar faults


def test_similar_faults_on_one_line() -> None:
    same = [Fault("t.csv", line, "source", "unknown source 'x'") for line in range(3, 185)]
    other = Fault("t.csv", 200, "a", "unknown state 'Y'")
    assert InputError([*same, other]).lines() == [
        "t.csv:3: source: unknown source 'x' … and 181 more like it, on lines 4, 5, 6, 7, 8, …",
        "t.csv:200: a: unknown state 'Y'",
    ]
    assert len(InputError([*same, other]).faults) == 183


def test_faults_that_differ_by_a_number_on_one_line() -> None:
    faults = [Fault("t.csv", line, "value", f"{line}.5 is not a number in [0, 1]") for line in (3, 4, 5)]
    other = Fault("t.csv", 9, "kind", "'bondd' is not one of 'bond', 'rivalry'")
    assert InputError([*faults, other]).lines() == [
        "t.csv:3: value: 3.5 is not a number in [0, 1] … and 2 more like it, on lines 4, 5",
        "t.csv:9: kind: 'bondd' is not one of 'bond', 'rivalry'",
    ]


def test_similar_faults_of_list_entries_on_one_line() -> None:
    faults = [Fault("w.toml", line, f"shocks[{n}].value", "is missing") for n, line in enumerate((4, 9))]
    assert InputError(faults).lines() == ["w.toml:4: shocks[0].value: is missing … and 1 more like it, on line 9"]


def test_number_of_hidden_faults() -> None:
    faults = [Fault("t.csv", n, f"f{n}", "x") for n in range(1, 26)] + [
        Fault("t.csv", 30 + n, "same", "y") for n in range(9)
    ]
    lines = InputError(faults).lines()
    assert lines[-1] == "… and 14 more faults (34 in all; --json lists them)"


def test_missing_bibliography(folder: Path) -> None:
    table = folder / "worlds" / "four" / "ties.csv"
    table.write_text(table.read_text("utf-8").replace("assumed", "lost_book"), encoding="utf-8")
    done = blocs("check", folder / "w.toml")
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert "ties.csv:2: source: unknown source 'lost_book'" in line
    assert line.endswith("… and 4 more like it, on lines 3, 4, 5, 6")
    with pytest.raises(InputError) as caught:
        load_scenario(folder / "w.toml")
    assert len(caught.value.faults) == 5
