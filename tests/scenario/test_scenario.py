"""Digest, extension, settings and sweeps of a scenario, and mechanisms switched off."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.batch.design import design_points, point_labels
from sim.errors import InputError
from sim.scenario.files import key_lines
from sim.scenario.loading import files_of, load_scenario, scenario_names
from sim.scenario.overrides import MECHANISMS, flatten_scenario, with_settings
from sim.scenario.parameters import Parameters, parameter_range
from sim.scenario.schema import Scenario
from tests.strategies import small


def written(folder: Path, text: str, name: str = "mine.toml") -> Scenario:
    """A scenario from its text."""
    (folder / name).write_text(text, encoding="utf-8")
    return load_scenario(folder / name)


BASE = 'title = "mine"\nextends = "baseline_2023"\n'


def test_digest_of_everything_that_a_run_depends_on(tmp_path: Path) -> None:
    base = written(tmp_path, BASE)
    changes = [
        "steps = 20\n",
        "activation = 'simultaneous'\n",
        "[parameters]\nerosion = 0.69\n",
        "[blocs.us_led]\naccommodation = 0.01\n",
        "[blocs.us_led.priority]\nafrica = 0.06\n",
        "[states.CHL]\ninitial = 'us_led'\n",
        "[states.CHL]\nfixed = true\n",
        "[institutions.brics]\nmembers = ['BRA', 'RUS']\n",
        "[[ties]]\nkind = 'bond'\na = 'CHL'\nb = 'PRK'\nvalue = 0.1\n",
        "[[shocks]]\nkind = 'parameter'\nstep = 2\nparameter = 'erosion'\nvalue = 1\n",
    ]
    digests = {written(tmp_path, BASE + text).digest() for text in changes}
    assert len(digests) == len(changes)
    assert base.digest() not in digests
    assert base.digest() == load_scenario("baseline_2023").digest()


@pytest.mark.parametrize("name", scenario_names())
def test_shipped_scenario_differs_from_its_base(name: str) -> None:
    base = files_of(name)[-1]
    assert (load_scenario(name).digest() == load_scenario(base).digest()) == (name == "baseline_2023")


def test_scenario_that_extends_another(tmp_path: Path) -> None:
    written(tmp_path, BASE + "steps = 20\n[parameters]\nerosion = 0.5\n", "first.toml")
    second = written(tmp_path, 'title = "2"\nextends = "first"\n[parameters]\nstrain = 3\n', "second.toml")
    assert second.steps == 20
    assert second.parameters.erosion.value == 0.5
    assert second.parameters.strain.value == 3
    assert second.parameters.inertia == Parameters().inertia
    assert second.title == "2"


def test_later_tie_replaces_an_earlier_one(tmp_path: Path) -> None:
    scenario = written(tmp_path, BASE + '[[ties]]\nkind = "rivalry"\na = "USA"\nb = "CHN"\nvalue = 0.2\n')
    rivalries = [t.value for t in scenario.ties if t.kind == "rivalry" and {t.a, t.b} == {"USA", "CHN"}]
    assert rivalries == [0.2]


def test_selectors_of_members_and_of_existing_ties(tmp_path: Path) -> None:
    scenario = written(
        tmp_path,
        BASE + '[[ties]]\nkind = "sanction"\na = "@quad"\nb = "IRN"\nvalue = 0.5\nregime = "us_led"\n'
        '[[ties]]\nkind = "sanction"\na = "*"\nb = "SYR"\nvalue = 0\n',
    )
    on_iran = {t.a: t.value for t in scenario.ties if t.kind == "sanction" and t.b == "IRN"}
    assert on_iran["IND"] == on_iran["USA"] == on_iran["JPN"] == on_iran["AUS"] == 0.5
    assert not [t for t in scenario.ties if t.kind == "sanction" and t.b == "SYR"]
    assert "CHL" not in on_iran


def test_no_sanctions_and_all_other_ties() -> None:
    scenario, base = load_scenario("no_sanctions"), load_scenario("baseline_2023")
    assert not [t for t in scenario.ties if t.kind == "sanction"]
    assert [t for t in base.ties if t.kind != "sanction"] == list(scenario.ties)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_mechanism_switched_off(mechanism: str) -> None:
    base = with_settings(
        load_scenario("baseline_2023"),
        {"rivalry_gain": 0.1, "rivalry_loss": 0.1, "sanction_response": 0.1, "sanction_relief": 0.1,
         "w_likeness": 0.1, "w_hedging": 0.1,
         "blocs.*.accommodation": 0.1},
    ).model_copy(update={"dispositions": "kept"})  # fmt: skip
    off = with_settings(base, MECHANISMS[mechanism])
    assert off.digest() != base.digest()
    assert with_settings(off, MECHANISMS[mechanism]).digest() == off.digest()


@pytest.mark.parametrize(
    ("path", "value", "phrase"),
    [
        ("parameters.erosoin", 1, "did you mean 'erosion'"),
        ("parameters.pressure_floor", 1.5, "not a number in [0, 1]"),
        ("blocs.us_led.enforcement", -1, "not a number in [0, 1]"),
        ("blocs.north.enforcement", 1, "unknown setting"),
        ("blocs.us_led.priority.moon", 1, "unknown setting"),
        ("states.PRK.capability", float("nan"), "nan is not a number"),
        ("ties.bond.PRK.PRK", 1, "unknown setting"),
        ("ties.bond.PRK.CHN", 2, "not a number in [0, 1]"),
    ],
)
def test_wrong_setting(path: str, value: float, phrase: str) -> None:
    with pytest.raises(ValueError, match=phrase.replace("[", r"\[").replace("]", r"\]")):
        with_settings(load_scenario("baseline_2023"), {path: value})


def test_defaults_in_their_ranges_with_reasons() -> None:
    for name in Parameters.model_fields:
        low, high = parameter_range(name)
        number = getattr(Parameters(), name)
        assert low <= number.value <= high, name
        assert all((number.source, number.note, Parameters.model_fields[name].description)), name


# Sweeps


def test_grid_and_list(tmp_path: Path) -> None:
    sweep = '[sweep]\ndesign = "{}"\n[sweep.vary]\nerosion = [0, 0.5, 1]\n"blocs.us_led.accommodation" = {}\n'
    grid = written(tmp_path, BASE + sweep.format("grid", "{ start = 0, stop = 0.1, points = 3 }"))
    crossed = design_points("mine", grid)
    assert len(crossed) == 9
    assert crossed[1].settings == {"erosion": 0, "blocs.us_led.accommodation": 0.05}
    named = point_labels([{"scenario": point.name, "settings": point.settings} for point in crossed])
    assert named[1] == "mine [erosion=0, blocs.us_led.accommodation=0.05]"
    assert len({p.digest for p in crossed}) == 9
    paired = design_points("mine", written(tmp_path, BASE + sweep.format("list", "[0, 0.1, 0.2]")))
    assert [list(p.settings.values()) for p in paired] == [[0, 0], [0.5, 0.1], [1, 0.2]]


RANGES = '[sweep]\ndesign = "{}"\npoints = {}\n[sweep.vary]\nerosion = {{ start = 0.2, stop = 1 }}\n"blocs.us_led.accommodation" = {{ start = 0, stop = 0.1 }}\n'  # noqa: E501


@pytest.mark.parametrize("design", ["latin_hypercube", "sobol"])
def test_sampling_design_fills_its_ranges_evenly(tmp_path: Path, design: str) -> None:
    found = design_points("mine", written(tmp_path, BASE + RANGES.format(design, 64)))
    assert len({p.digest for p in found}) == 64
    erosion = [p.settings["erosion"] for p in found]
    assert 0.2 <= min(erosion) <= max(erosion) <= 1
    quarters = [int((e - 0.2) / 0.2) for e in erosion]
    assert [quarters.count(q) for q in range(4)] == [16, 16, 16, 16]
    again = design_points("mine", load_scenario(tmp_path / "mine.toml"))
    assert [p.settings for p in again] == [p.settings for p in found]


def test_longer_sobol_design_begins_with_the_shorter(tmp_path: Path) -> None:
    short, long = (design_points("mine", written(tmp_path, BASE + RANGES.format("sobol", n))) for n in (10, 32))
    assert [p.settings for p in long[:10]] == [p.settings for p in short]


def test_sampling_design_without_ranges(tmp_path: Path) -> None:
    found = design_points("mine", written(tmp_path, BASE + '[sweep]\ndesign = "sobol"\npoints = 8\n'))
    assert set(found[0].settings) == {f"parameters.{name}" for name in Parameters.model_fields}
    for point in found:
        for path, value in point.settings.items():
            low, high = parameter_range(path.removeprefix("parameters."))
            assert low <= value <= high


STEP = "{{ start = 0, stop = 1, points = {} }}".format


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ('design = "sobol"\n', "a sobol design needs points, such as points = 1024"),
        ('design = "sobol"\npoints = 8\n[sweep.vary]\nerosion = [0, 1]\n', "samples ranges; give erosion as"),
        ("[sweep.vary]\nerosion = { start = 0, stop = 1 }\n", "erosion needs points"),
        (f"[sweep.vary]\nerosion = {STEP(1000)}\nstrain = {STEP(101)}\n", "crosses to 101000 design points; give at"),
    ],
)
def test_values_that_do_not_fit_the_design(tmp_path: Path, text: str, phrase: str) -> None:
    with pytest.raises(InputError, match=phrase):
        written(tmp_path, BASE + "[sweep]\n" + text)


def test_one_point_without_a_design() -> None:
    (point,) = design_points("baseline_2023", load_scenario("baseline_2023"))
    assert point_labels([{"scenario": point.name, "settings": point.settings}]) == ["baseline_2023"]
    assert point.settings == {}


# Lines


def test_values_of_a_scenario_by_their_place() -> None:
    """Shocks are counted from 0, as in faults; a sanction has a direction; a number has all digits that it needs."""
    shocks = [{"kind": "parameter", "step": step, "parameter": "w_bond", "value": 1} for step in (1, 2)]
    found = flatten_scenario(with_settings(small(shocks=shocks), {"erosion": 0.1234567}))
    assert [place for place in found if place.startswith("shock")] == ["shocks[0]", "shocks[1]"]
    assert "step=2" in found["shocks[1]"]
    assert (found["ties.sanction A→C"], found["ties.bond B–C"]) == ("0.5", "0.5")
    assert found["parameters.erosion"] == "0.1234567"


def test_lines_of_keys() -> None:
    text = (
        'a = 1\n[t]  # x\n"b.c" = """\n[no]\nd = 2\n"""\ne = [\n  1, # ]\n  2,\n]\nf.g = 3\n'
        "[[s]]\nh = 1\n[[s]]\nh = 2\n[s.u]\ni = '[x'\n[v]\nj = 1"
    )
    lines = key_lines(text)
    assert lines["a",] == 1
    assert lines["t",] == 2
    assert lines["t", "b.c"] == 3
    assert ("t", "d") not in lines
    assert lines["t", "e"] == 7
    assert lines["t", "f", "g"] == 11
    assert lines["s", 0, "h"] == 13
    assert lines["s", 1, "h"] == 15
    assert lines["s", 1, "u", "i"] == 17
    assert lines["v", "j"] == 19


def test_suggestion_for_an_unknown_scenario() -> None:
    with pytest.raises(InputError, match="did you mean 'baseline_2023'"):
        load_scenario("baseline_2022")
