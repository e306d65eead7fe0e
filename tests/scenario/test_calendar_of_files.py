"""Dates in files become steps: the length of a run, shocks and crises; and warnings about dispositions."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import InputError
from sim.scenario.checks.idle import idle_beliefs, idle_setting, idle_shocks, unsampled_parameters
from sim.scenario.loading import load_scenario, read_scenario
from sim.scenario.overrides import with_steps
from sim.scenario.schema import Scenario
from sim.scenario.shocks import Crisis, PairShock, Upheaval

CASES = Path(__file__).parents[1] / "cases"


@pytest.fixture(autouse=True)
def worlds_of_the_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scenarios build on the worlds of tests/cases/worlds."""
    monkeypatch.setenv("BLOCS_SCENARIOS", str(CASES))


def written(folder: Path, **files: str) -> Scenario:
    """Write scenario files, and load the last."""
    for name, text in files.items():
        base = "" if "extends" in text else 'world = "dated"\n'
        (folder / f"{name}.toml").write_text(f'title = "A"\n{base}{text}', encoding="utf-8")
    return load_scenario(folder / f"{name}.toml")


def test_world_with_a_calendar() -> None:
    world = load_scenario("dated")
    assert (world.date, world.step, world.steps, world.dispositions) == ("2023-10-31", "quarter", 28, "kept")
    assert world.dates()[:3] == ("2023-10-31", "2024-01-31", "2024-04-30")
    assert world.dates()[-1] == "2030-10-31"
    polyarchy = {id: state.polyarchy and state.polyarchy.value for id, state in world.states.items()}
    assert polyarchy == {"USA": 0.8, "GBR": 0.9, "RUS": 0.2, "PRK": None}
    assert [state.renewal.value for state in world.states.values()] == [1, 0.5, 1, 2]
    assert world.states["GBR"].renewal.source == "assumed"


@pytest.mark.parametrize(
    ("step", "until", "steps"),
    [
        ("quarter", "2024-01-31", 1),
        ("quarter", "2024-04-29", 1),
        ("quarter", "2024-04-30", 2),
        ("month", "2024-02-29", 4),
        ("year", "2030-12-31", 7),
    ],
)
def test_last_step_ends_on_the_day_or_before(tmp_path: Path, step: str, until: str, steps: int) -> None:
    assert written(tmp_path, a=f"step = '{step}'\nuntil = {until}\n").steps == steps


def test_a_later_file_gives_another_length(tmp_path: Path) -> None:
    chain = {
        "a": "until = 2025-10-31\n",
        "b": 'extends = "a"\nsteps = 3\n',
        "c": 'extends = "b"\n',
        "d": 'extends = "c"\nuntil = 2026-10-31\n',
    }
    lengths = [written(tmp_path, **dict([*chain.items()][:n])).steps for n in range(1, 5)]
    assert lengths == [8, 3, 3, 12]


def test_replaced_length_has_no_fault(tmp_path: Path) -> None:
    assert written(tmp_path, a="until = 1900-01-01\n", b='extends = "a"\nsteps = 2\n').steps == 2


def test_shocks_and_crises_by_date() -> None:
    scenario = load_scenario(CASES / "valid" / "dates.toml")
    crises = [(shock.step, shock.duration) for shock in scenario.shocks if isinstance(shock, Crisis)]
    assert scenario.steps == 4
    assert [shock.step for shock in scenario.shocks] == [1, 1, 2, 4]
    assert crises == [(1, 3), (2, 64)]


def test_dates_and_steps_give_one_scenario(tmp_path: Path) -> None:
    crisis = "[[shocks]]\nkind = 'crisis'\ntheatre = 'europe'\nintensity = 1\n"
    dated = written(tmp_path, a=f"until = 2025-12-31\n{crisis}date = 2024-02-01\nuntil = 2024-12-31\n")
    counted = written(tmp_path, b=f"steps = 8\n{crisis}step = 2\nduration = 4\n")
    assert dated == counted
    assert dated.digest() == counted.digest()


def test_line_of_a_shock_that_a_shorter_run_excludes(tmp_path: Path) -> None:
    bond = "[[shocks]]\nkind = 'bond'\na = 'USA'\nb = 'RUS'\nvalue = 0.5\ndate = 2026-01-01\n"
    with pytest.raises(
        InputError, match=r"a\.toml:8: shocks\[0\]\.date: 2026-01-01 is after the last step, .*2025-10-31"
    ):
        written(tmp_path, a=bond, b='extends = "a"\nuntil = 2025-12-31\n')


def test_number_of_steps_within_the_calendar() -> None:
    world = load_scenario("dated")
    assert with_steps(world, 4).dates()[-1] == "2024-10-31"
    with pytest.raises(ValueError, match="after the year 9999"):
        with_steps(world.model_copy(update={"step": "year"}), 9000)


def with_shocks(*shocks: dict[str, object], **parameters: float) -> list[str]:
    """Messages of the shocks of a scenario that change nothing."""
    world = load_scenario("dated").model_dump()
    content = {**world, "shocks": shocks, "parameters": {**world["parameters"], **parameters}}
    return [message for _, message in idle_shocks(Scenario.model_validate(content))]


POLYARCHY = {"kind": "polyarchy", "step": 1, "state": "RUS", "value": 0.5}
UPHEAVAL = {"kind": "upheaval", "step": 1, "state": "RUS"}


def test_polyarchy_that_counts() -> None:
    assert with_shocks(POLYARCHY, w_likeness=0.1) == []
    raised = {"kind": "parameter", "step": 4, "parameter": "w_likeness", "value": 0.2}
    assert with_shocks(POLYARCHY, raised) == []


def test_polyarchy_that_changes_nothing() -> None:
    assert with_shocks(POLYARCHY, w_likeness=0) == ["w_likeness is 0, so it changes nothing"]
    (again,) = with_shocks(POLYARCHY, {**POLYARCHY, "step": 2}, w_likeness=0.1)
    assert again == "states.RUS.polyarchy is 0.5 then already, so it changes nothing"
    (same,) = with_shocks({**POLYARCHY, "value": 0.2}, w_likeness=0.1)
    assert same.startswith("states.RUS.polyarchy is 0.2 then already")


def test_polyarchy_of_one_state() -> None:
    world = load_scenario("dated")
    states = {id: state.model_copy(update={"polyarchy": None}) for id, state in world.states.items()}
    content = {**world.model_dump(), "states": {id: state.model_dump() for id, state in states.items()}}
    content["parameters"]["w_likeness"] = 0.1
    other = {**POLYARCHY, "state": "GBR", "step": 5}
    found = [
        [*idle_shocks(Scenario.model_validate({**content, "shocks": s}))] for s in ([POLYARCHY], [POLYARCHY, other])
    ]
    assert found == [[(0, "no state but RUS has a polyarchy to be compared with, so it changes nothing")], []]


def test_upheaval_without_temperature() -> None:
    assert with_shocks(UPHEAVAL) == []
    assert with_shocks(UPHEAVAL, temperature=0) == [
        "the temperature is 0, where dispositions do not count, so it changes nothing"
    ]
    raised = {"kind": "parameter", "step": 4, "parameter": "temperature", "value": 0.2}
    assert with_shocks(UPHEAVAL, raised, temperature=0) == []


def test_parameters_that_no_analysis_samples() -> None:
    world = load_scenario("dated").model_dump()
    known = {id: {**state, "polyarchy": None} for id, state in world["states"].items()}
    known["RUS"]["polyarchy"] = 0.2

    def unsampled(**changes: object) -> list[str]:
        return [*unsampled_parameters(Scenario.model_validate({**world, **changes}))]

    assert unsampled() == []
    assert unsampled(dispositions="fresh") == ["renewal"]
    assert unsampled(states=known) == unsampled(states=known, shocks=[POLYARCHY]) == ["w_likeness"]
    assert unsampled(states=known, shocks=[{**POLYARCHY, "state": "GBR"}]) == []


def test_swept_settings_make_shocks_count(tmp_path: Path) -> None:
    swept = (
        "[[shocks]]\nkind = 'polyarchy'\nstep = 1\nstate = 'RUS'\nvalue = 0.5\n[sweep.vary]\nw_likeness = [0, 0.2]\n"
    )
    written(tmp_path, a=swept)
    assert read_scenario(tmp_path / "a.toml").warnings == ()


def test_likeness_and_renewal_that_change_nothing(tmp_path: Path) -> None:
    world = load_scenario("dated").model_dump()

    def idle(known: int, rate: float = 0.015, **changes: object) -> list[str]:
        states = {
            id: {**state, "polyarchy": 0.5 if n < known else None}
            for n, (id, state) in enumerate(world["states"].items())
        }
        parameters = {"w_likeness": 0.2, "renewal": rate}
        content = {**world, "states": states, "parameters": parameters, **changes}
        return [message for _, message in idle_beliefs(Scenario.model_validate(content))]

    assert idle(1) == ["no two states have a polyarchy, so it changes nothing"]
    assert idle(1, sweep={"vary": {"states.GBR.polyarchy": [0.1, 0.2]}}) == []
    assert idle(2) == []
    assert idle(2, rate=0) == ["the parameter renewal is 0, so it changes nothing"]
    assert idle(2, rate=0, dispositions="fresh") == []
    assert idle(2, rate=0, sweep={"vary": {"renewal": [0, 0.2]}}) == []
    assert idle(2, rate=0, shocks=[{"kind": "parameter", "step": 2, "parameter": "renewal", "value": 0.1}]) == []


def test_settings_that_change_nothing() -> None:
    kept = load_scenario("dated")
    fresh = kept.model_copy(update={"dispositions": "fresh"})
    for path in ("renewal", "parameters.renewal", "world.renewal", "states.RUS.renewal"):
        assert idle_setting(kept, path) == ""
        assert idle_setting(fresh, path) == "dispositions are fresh, so it changes nothing"
    assert idle_setting(kept, "w_hedging") == idle_setting(kept, "w_bond") == idle_setting(kept, "w_likeness") == ""
    alone = {id: state.model_copy(update={"polyarchy": None}) for id, state in kept.states.items()}
    unlike = kept.model_copy(update={"states": alone})
    assert idle_setting(unlike, "w_likeness") == "no two states have a polyarchy, so it changes nothing"


def test_upheavals_are_read() -> None:
    first, second, _ = load_scenario(CASES / "valid" / "kept_dispositions.toml").shocks
    assert isinstance(first, Upheaval)
    assert isinstance(second, Upheaval)
    assert [(shock.step, shock.state, shock.toward) for shock in (first, second)] == [
        (2, "RUS", "non_aligned"),
        (3, "RUS", ""),
    ]


def shock(day: str, value: float, note: str = "a reason") -> str:
    """A change of one bond on a day."""
    return (
        f"[[shocks]]\nkind = 'bond'\na = 'USA'\nb = 'RUS'\nvalue = {value}\ndate = {day}\n"
        f"source = 'assumed'\nnote = '{note}'\n"
    )


def test_shocks_of_one_step_in_the_order_of_their_dates(tmp_path: Path) -> None:
    june, march, may, april = (shock(f"2024-{day}", value) for day, value in
                               (("06-01", 0.9), ("03-01", 0.2), ("05-30", 0.6), ("05-01", 0.4)))  # fmt: skip
    later = written(tmp_path, a=june + march + may + april)
    assert [(s.step, s.value) for s in later.shocks if isinstance(s, PairShock)] == [
        (3, 0.4), (2, 0.2), (3, 0.6), (3, 0.9)
    ]  # fmt: skip
    extended = written(tmp_path, a=june, b='extends = "a"\n' + may)
    assert [s.value for s in extended.shocks if isinstance(s, PairShock)] == [0.6, 0.9]


def test_line_of_a_shock_in_another_place(tmp_path: Path) -> None:
    wrong = shock("2024-05-01", 0.4).replace("'RUS'", "'ABC'")
    with pytest.raises(InputError, match=r"a\.toml:\d+: shocks\[1\]\.b: ") as raised:
        written(tmp_path, a=shock("2024-06-01", 0.9) + wrong)
    lines = (tmp_path / "a.toml").read_text(encoding="utf-8").splitlines()
    assert "ABC" in lines[raised.value.faults[0].line - 1]
