"""`blocs new`: what it writes is right, runs, teaches, and is never written over."""

from __future__ import annotations

import tomllib
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from sim.cli import cli
from sim.model.compiled import run_compiled
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import list_changes
from sim.scenario.parameters import TAKEN_OVER
from tools.schemas import scenario_schema, world_schema

HERE = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new(*words: str, code: int = 0) -> Result:
    done = CliRunner().invoke(cli, ["new", *words])
    assert done.exit_code == code, done.output
    return done


def check(*files: str) -> None:
    done = CliRunner().invoke(cli, ["check", *files])
    assert done.exit_code == 0, done.output


def fits(path: Path) -> None:
    """A file names a schema that is there, and is right by it."""
    text = path.read_text(encoding="utf-8")
    named = text.split("\n")[0].removeprefix("#:schema ")
    kind = "world" if path.name == "world.toml" else "scenario"
    assert (path.parent / named).resolve().samefile(HERE.parent / "scenarios" / f"{kind}.schema.json")
    made = {"scenario": scenario_schema, "world": world_schema}[kind]()
    jsonschema.Draft7Validator(made).validate(tomllib.loads(text))


def test_a_new_scenario_is_the_baseline_with_one_lever_and_one_shock(folder: Path) -> None:
    told = new("scenario", "my_idea").stdout
    assert "Next: blocs sweep baseline_2023 my_idea.toml --replicates 100 --out results/my_idea" in told
    check("my_idea.toml")
    fits(folder / "my_idea.toml")
    scenario = load_scenario("my_idea.toml")
    places = [place for place, _, _ in list_changes(load_scenario("baseline_2023"), scenario)]
    assert places == ["blocs.us_led.accommodation", "shock 1"]
    assert scenario.title == "My idea"
    assert scenario.role == "lever"
    assert (folder / "my_idea.toml").read_text(encoding="utf-8").count("#") > 8


def test_a_new_world_is_whole_and_goes_either_way(folder: Path) -> None:
    told = new("world", "my_world").stdout
    assert "Next: blocs run my_world.toml" in told
    check("my_world.toml", "worlds/my_world")
    for file in (folder / "my_world.toml", folder / "worlds" / "my_world" / "world.toml"):
        fits(file)
    scenario = load_scenario("my_world.toml")
    assert len(scenario.states) == 4
    assert {tie.kind for tie in scenario.ties} == {"bond", "rivalry", "sanction", "trade"}
    north = scenario.alignments()
    stands = {north[run_compiled(scenario, seed=1, replicate=r).alignment[-1, 2]] for r in range(40)}
    assert len(stands) == 3, "Norland's choice is open"


def test_a_new_scenario_can_be_of_a_new_world(folder: Path) -> None:
    new("world", "my_world")
    (folder / "other.toml").write_text('title = "Other"\nextends = "my_world"\nsteps = 3\n', encoding="utf-8")
    assert load_scenario("other.toml").steps == 3


def test_nothing_is_written_over(folder: Path) -> None:
    for kind, file in (("scenario", "one.toml"), ("world", "two.toml"), ("world", "worlds/two/ties.csv")):
        name = "one" if kind == "scenario" else "two"
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("mine", encoding="utf-8")
        told = new(kind, name, code=2).stderr
        assert "is there already; choose another name, or remove it" in told
        assert (folder / file).read_text(encoding="utf-8") == "mine"
        (folder / file).unlink()
    assert not any(path.is_file() for path in folder.rglob("*")), "all or nothing"


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("My-Idea", "begin with a small letter"),
        ("../idea", "begin with a small letter"),
        ("idee_ä", "begin with a small letter"),
        ("a" * 61, "begin with a small letter"),
        ("two\nlines", "begin with a small letter"),
        ("sources", "bibliography"),
        ("baseline_2023", "`blocs list` shows"),
        ("unix_1988", "`blocs list` shows"),
    ],
)
@pytest.mark.parametrize("kind", ["scenario", "world"])
def test_a_name_that_cannot_be_is_refused(kind: str, name: str, phrase: str, folder: Path) -> None:
    assert phrase in new(kind, name, code=2).stderr
    assert list(folder.iterdir()) == []


def test_another_folder_is_made(folder: Path) -> None:
    new("world", "my_world", "--folder", "deep/er")
    check("deep/er/my_world.toml")


def test_weights_taken_over_from_another_world_say_so(tmp_path: Path) -> None:
    assert CliRunner().invoke(cli, ["new", "world", "w", "--folder", str(tmp_path)]).exit_code == 0
    own, fitted = load_scenario(tmp_path / "w.toml"), load_scenario("baseline_2023")
    bond = own.parameters.w_bond
    assert (bond.value, bond.source, bond.note) == (1.1, "assumed", TAKEN_OVER)
    assert own.parameters.temperature.note.startswith("terms are larger")
    assert own.parameters.w_propensity == fitted.parameters.w_propensity
    assert fitted.parameters.w_bond.source == "calibration"
    assert load_scenario(tmp_path / "worlds" / "w").parameters == own.parameters
    shown = CliRunner().invoke(cli, ["show", "great_powers_1907"]).stdout
    assert "52 states" not in shown
    assert "calibration" not in shown
    assert "taken over from article_2023" in shown
