"""Names of scenarios: distinct in every command and in Python."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sim import api
from sim.api.runs import MAPPING
from sim.cli import cli
from sim.errors import InputError
from sim.names import is_scenario_name, name_references, scenario_name

WORLD = 'title = "{}"\nworld = "unix_1988"\nsteps = 2\n'


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two files of one name in two folders, the working folder and `o`, and one named as a shipped scenario."""
    monkeypatch.chdir(tmp_path)
    Path("o").mkdir()
    Path("w.toml").write_text(WORLD.format("one"), "utf-8")
    Path("o/w.toml").write_text(WORLD.format("one") + 'without = ["propensity"]\n', "utf-8")
    Path("unix_1988.toml").write_text('title = "mine"\nextends = "baseline_2023"\nsteps = 2\n', "utf-8")
    return tmp_path


def blocs(*words: str) -> Result:
    """The command in this process."""
    return CliRunner().invoke(cli, list(words))


PAIRS = [
    (("w.toml", "o/w.toml"), "o/w.toml:1: w.toml and o/w.toml would both be named 'w'; rename one of the files"),
    (("w.toml", "./w.toml"), "is given twice (w.toml and ./w.toml); give it once"),
    (("unix_1988", "unix_1988"), "is given twice (unix_1988 and unix_1988); give it once"),
    (
        ("unix_1988", "./unix_1988.toml"),
        "unix_1988 and ./unix_1988.toml would both be named 'unix_1988'; rename one of the files",
    ),
]


@pytest.mark.parametrize(("pair", "message"), PAIRS)
@pytest.mark.parametrize("command", ["sweep", "regret"])
def test_two_files_of_one_name_in_commands(files: Path, command: str, pair: tuple[str, str], message: str) -> None:
    done = blocs(command, *pair, "--replicates", "1")
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (files / "results").exists()


@pytest.mark.parametrize(("pair", "message"), PAIRS)
def test_two_files_of_one_name_in_python(files: Path, pair: tuple[str, str], message: str) -> None:
    with pytest.raises(InputError) as refused:
        api.sweep(list(pair), replicates=1)
    assert message.replace("rename one of the files", MAPPING) in str(refused.value)


def test_scenarios_of_one_title_in_a_list_and_in_a_mapping(files: Path) -> None:
    both = [api.load("w.toml"), api.load("o/w.toml")]
    with pytest.raises(
        InputError, match="scenario 1 and scenario 2 would both be named 'one'; give a mapping of names of your own"
    ):
        api.sweep(both, replicates=1)
    found = api.sweep(dict(zip(("w", "o/w"), both, strict=True)), replicates=1)
    assert found.sample.designs == ["w", "o/w"]
    assert len(found.runs) == 2


def test_title_of_one_scenario(files: Path) -> None:
    assert api.sweep(api.load("w.toml"), replicates=1).sample.designs == ["one"]


def test_names_of_files_and_world_folders(files: Path) -> None:
    references = ("baseline_2023", "a/w.toml", "w.v2.toml", "worlds/sahel/world.toml", "worlds/sahel.v2", "world.toml")
    assert [scenario_name(one) for one in references] == ["baseline_2023", "w", "w.v2", "sahel", "sahel.v2", files.name]


def test_file_named_like_a_design_point(files: Path) -> None:
    shutil.copy("w.toml", "w [w_bond=1].toml")
    done = blocs("sweep", "w.toml", "w [w_bond=1].toml")
    assert done.exit_code == 2
    assert "'w [w_bond=1]' cannot name a scenario" in done.stderr


@pytest.mark.parametrize("name", ["", " w", "w\n", "w [x=1]", "w" * 101, 3, None, b"w", "a\nb"])
def test_invalid_name(name: object) -> None:
    assert not is_scenario_name(name)
    with pytest.raises(InputError, match="cannot name a scenario; a name is text of 1 to 100 characters"):
        api.sweep({name: "unix_1988"}, replicates=1)  # type: ignore[dict-item]


def test_all_faults_of_names() -> None:
    with pytest.raises(InputError) as refused:
        name_references(["a/w", "b/w", "c/w", "x [", "v"])
    assert [fault.file for fault in refused.value.faults] == ["b/w", "c/w", "x ["]
