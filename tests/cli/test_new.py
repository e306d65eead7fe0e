"""`blocs new`: its files are valid, run, explain themselves, and replace no other file."""

from __future__ import annotations

import re
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


def check_schema(path: Path) -> None:
    """Check that a file names an existing schema and conforms to it."""
    text = path.read_text(encoding="utf-8")
    named = text.split("\n")[0].removeprefix("#:schema ")
    kind = "world" if path.name == "world.toml" else "scenario"
    assert (path.parent / named).resolve().samefile(HERE.parent / "scenarios" / f"{kind}.schema.json")
    schema = {"scenario": scenario_schema, "world": world_schema}[kind]()
    jsonschema.Draft7Validator(schema).validate(tomllib.loads(text))


def test_new_scenario(folder: Path) -> None:
    said = new("scenario", "my_idea").stdout
    assert "Next: blocs sweep baseline_2023 my_idea.toml --replicates 100 --out results/my_idea" in said
    check("my_idea.toml")
    check_schema(folder / "my_idea.toml")
    scenario = load_scenario("my_idea.toml")
    places = [place for place, _, _ in list_changes(load_scenario("baseline_2023"), scenario)]
    assert places == ["blocs.us_led.accommodation", "shocks[0]"]
    assert scenario.title == "My idea"
    assert scenario.role == "lever"
    assert "coexistence" not in scenario.question
    done = CliRunner().invoke(cli, ["check", "my_idea.toml"])
    assert "my_idea.toml:6: warning: question: is still the one that `blocs new` wrote" in done.stderr
    own = (folder / "my_idea.toml").read_text(encoding="utf-8").replace(scenario.question, "Does it?")
    (folder / "my_idea.toml").write_text(own, encoding="utf-8")
    assert "warning" not in CliRunner().invoke(cli, ["check", "my_idea.toml"]).stderr
    assert (folder / "my_idea.toml").read_text(encoding="utf-8").count("#") > 8


def test_example_of_a_sanction_is_valid(folder: Path) -> None:
    """The lines that are commented out are a shock once their leading # is removed."""
    new("scenario", "my_idea")
    text = (folder / "my_idea.toml").read_text(encoding="utf-8")
    before, mark, example = text.partition("# [[shocks]]")
    (folder / "my_idea.toml").write_text(before + re.sub("(?m)^# ", "", mark + example), encoding="utf-8")
    sanction = load_scenario("my_idea.toml").shocks[1]
    assert (sanction.kind, sanction.target, sanction.value, sanction.step) == ("sanction", "TUR", 0.6, 10)
    said = CliRunner().invoke(cli, ["check", "my_idea.toml"]).stdout
    assert said.endswith("the step that contains its date: shocks[1] of 2026-04-01 from 2026-01-25\n")


def test_show_gives_the_reason_of_a_shock(folder: Path) -> None:
    """Shocks have one place in `show` and `check`, and the note of the file, not that of the scenario."""
    new("scenario", "my_idea")
    shown = " ".join(CliRunner().invoke(cli, ["show", "my_idea.toml"], env={"COLUMNS": "300"}).stdout.split())
    changes, _, rest = shown.partition("parameter value meaning")
    assert re.search(r"shocks\[0\] none .* assumed: an armistice, not a friendship", changes)
    assert "Where no reason is listed" not in changes
    assert "shocks[0] 10 2026-01-25 2026-04-25 rivalry a=RUS b=UKR value=0.4 assumed: an armistice" in rest
    text = (folder / "my_idea.toml").read_text(encoding="utf-8")
    (folder / "my_idea.toml").write_text(text.replace('b = "UKR"', 'b = "UKX"'), encoding="utf-8")
    assert "shocks[0].b" in CliRunner().invoke(cli, ["check", "my_idea.toml"]).output


def test_new_world_with_open_outcome(folder: Path) -> None:
    said = new("world", "my_world").stdout
    assert "Next: blocs run my_world.toml" in said
    check("my_world.toml", "worlds/my_world")
    for file in (folder / "my_world.toml", folder / "worlds" / "my_world" / "world.toml"):
        check_schema(file)
    scenario = load_scenario("my_world.toml")
    assert len(scenario.states) == 4
    assert {tie.kind for tie in scenario.ties} == {"bond", "rivalry", "sanction", "trade"}
    north = scenario.alignments()
    ends = {north[run_compiled(scenario, seed=1, replicate=r).alignment[-1, 2]] for r in range(40)}
    assert len(ends) == 3, "Norland's choice is open"


def test_scenario_of_new_world(folder: Path) -> None:
    new("world", "my_world")
    (folder / "other.toml").write_text('title = "Other"\nextends = "my_world"\nsteps = 3\n', encoding="utf-8")
    assert load_scenario("other.toml").steps == 3


def test_existing_files_stay(folder: Path) -> None:
    for kind, file in (("scenario", "one.toml"), ("world", "two.toml"), ("world", "worlds/two/ties.csv")):
        name = "one" if kind == "scenario" else "two"
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("mine", encoding="utf-8")
        said = new(kind, name, code=2).stderr
        assert "exists already; choose another name, or remove it" in said
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
        ("baseline_2023", "in `blocs list`"),
        ("unix_1988", "in `blocs list`"),
    ],
)
@pytest.mark.parametrize("kind", ["scenario", "world"])
def test_refusal_of_names(kind: str, name: str, phrase: str, folder: Path) -> None:
    assert phrase in new(kind, name, code=2).stderr
    assert list(folder.iterdir()) == []


def test_new_folder(folder: Path) -> None:
    new("world", "my_world", "--folder", "deep/er")
    check("deep/er/my_world.toml")


def test_source_of_weights_from_another_world(tmp_path: Path) -> None:
    assert CliRunner().invoke(cli, ["new", "world", "w", "--folder", str(tmp_path)]).exit_code == 0
    own, fitted = load_scenario(tmp_path / "w.toml"), load_scenario("baseline_2023")
    bond = own.parameters.w_bond
    assert (bond.value, bond.source, bond.note) == (1.8, "assumed", TAKEN_OVER)
    assert own.parameters.temperature.note.startswith("terms are larger")
    assert own.parameters.w_propensity == fitted.parameters.w_propensity
    assert fitted.parameters.w_likeness.source == "calibration"
    assert load_scenario(tmp_path / "worlds" / "w").parameters == own.parameters
    shown = CliRunner().invoke(cli, ["show", "great_powers_1907"]).stdout
    assert "52 states" not in shown
    assert "calibration" not in shown
    assert "taken over from article_2023" in shown
