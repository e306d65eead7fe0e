"""Moves, dates and alignments by step are those of the runs, and say as much as every step did."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from sim import api
from sim.batch.recorded import scenarios_as_run
from sim.batch.replay import replay_run
from sim.batch.store import Results
from sim.batch.sweep import make_question, run_sweep
from sim.batch.tables.shares import sizes_by_step
from sim.cli import cli
from sim.errors import InputError
from sim.model.arrays import CAUSES
from sim.model.compiled import run_compiled
from sim.model.trajectory import Run
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario

REPLICATES, SEED = 11, 7

pytestmark = pytest.mark.usefixtures("rounds")

DATED = {"date": "2023-10-25", "step": "quarter", "steps": 12}
ENDS = ("2023-10-25", "2024-01-25", "2026-10-25")  # of steps 0, 1 and 12
AT = ("2023-10-25", "2024-01-24", "2024-01-25", "2026-10-25")
STEPS_AT = (0, 0, 1, 12)


def scenario(name: str, **changes: Any) -> Scenario:
    """A shipped scenario with other fields."""
    return load_scenario(name).model_copy(update=changes)


def dated() -> dict[str, Scenario]:
    """Two scenarios with a calendar."""
    return {name: scenario(name, **DATED) for name in ("baseline_2023", "no_sanctions")}


@pytest.fixture(scope="module")
def in_rounds(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two worlds in rounds, of different lengths, with every step."""
    found = {"baseline_2023": scenario("baseline_2023", steps=10), "unix_1988": scenario("unix_1988", steps=4)}
    question = make_question(found, replicates=REPLICATES, seed=SEED, keep=("steps",))
    return run_sweep(question, tmp_path_factory.mktemp("rounds") / "results", workers=1).results


@pytest.fixture(scope="module")
def calendar(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two scenarios by quarter, with outcomes at dates and every step."""
    question = make_question(dated(), replicates=3, seed=SEED, keep=("steps",), at=AT)
    return run_sweep(question, tmp_path_factory.mktemp("calendar") / "results", workers=1).results


def rows(results: Results, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with contextlib.closing(results.connection()) as connection:
        return connection.execute(query).fetchall()


def runs(results: Results) -> list[tuple[int, int, Run]]:
    """Every run of a folder again, with its point and replicate."""
    points = results.manifest()["question"]["points"]
    ran = scenarios_as_run(results, [point["scenario"] for point in points])
    return [
        (n, r, run_compiled(one, seed=SEED, replicate=r))
        for n, (one, point) in enumerate(zip(ran.values(), points, strict=True))
        for r in range(point["replicates"])
    ]


@pytest.mark.parametrize("folder", ["in_rounds", "calendar"])
def test_alignments_are_those_of_each_step(folder: str, request: pytest.FixtureRequest) -> None:
    results = request.getfixturevalue(folder)
    names = "select point, replicate, step, state, alignment from alignments order by all"
    expected = [
        (point, replicate, step, state, run.alignments[k])
        for point, replicate, run in runs(results)
        for step, row in enumerate(run.alignment)
        for state, k in sorted(zip(run.states, row, strict=True))
    ]
    assert rows(results, names) == expected


@pytest.mark.parametrize("folder", ["in_rounds", "calendar"])
def test_moves_are_the_changes_with_their_causes(folder: str, request: pytest.FixtureRequest) -> None:
    results = request.getfixturevalue(folder)
    columns = "point, replicate, step, state, from_alignment, to_alignment, cause"
    expected = [
        (point, replicate, step, run.states[i], *(run.alignments[run.alignment[step - n, i]] for n in (1, 0)),
         CAUSES[run.causes[step, i]])
        for point, replicate, run in runs(results)
        for step in range(1, len(run.alignment))
        for i in np.flatnonzero(run.alignment[step] != run.alignment[step - 1])
    ]  # fmt: skip
    assert expected
    assert rows(results, f"select {columns} from moves order by all") == sorted(expected)  # noqa: S608
    warm = {cause for point, *_, cause in expected if not (folder == "in_rounds" and point == 1)}
    assert warm == {"renewal"}  # fresh dispositions above temperature 0


def test_start_and_final_alignment(in_rounds: Results) -> None:
    for point, replicate, run in runs(in_rounds):
        where = f"where point = {point} and replicate = {replicate} order by state"
        found = rows(in_rounds, f"select state, start, final from states {where}")  # noqa: S608
        first, last = run.alignment[0], run.alignment[-1]
        expected = zip(run.states, *([run.alignments[k] for k in row] for row in (first, last)), strict=True)
        assert found == sorted(expected)


def test_world_without_moves_has_alignments(tmp_path: Path) -> None:
    still = {"unix_1988": scenario("unix_1988", steps=1, states={
        name: state.model_copy(update={"fixed": True, "initial": "non_aligned"})
        for name, state in load_scenario("unix_1988").states.items()
    }, non_aligned_allowed=True)}  # fmt: skip
    done = run_sweep(make_question(still, replicates=2, seed=1), tmp_path / "results", workers=1).results
    assert "moves" not in done.tables()
    assert rows(done, "select count(*) from moves") == [(0,)]
    assert rows(done, "select step, alignment, count(*) from alignments group by all order by all") == [
        (0, "non_aligned", 18), (1, "non_aligned", 18),
    ]  # fmt: skip
    assert replay_run(done, "0-1").equal


def test_sizes_by_step_equal_the_outcomes_bit_for_bit(in_rounds: Results) -> None:
    for point, (name, ran) in enumerate(scenarios_as_run(in_rounds, ["baseline_2023", "unix_1988"]).items()):
        (found,) = sizes_by_step(in_rounds, {point: ran})
        with contextlib.closing(in_rounds.connection()) as connection:
            kept = connection.execute("select * from steps where point = ? order by replicate, step", [point]).df()
        columns = [f"{what}_{a}" for what in ("members", "capability") for a in ran.alignments()]
        np.testing.assert_array_equal(found[columns], kept[columns], err_msg=name)
        assert found["date"].isna().all()
    table = api.read(in_rounds.folder).sizes
    assert list(table.columns[:5]) == ["design", "seed", "replicate", "step", "date"]
    assert len(table) == REPLICATES * (11 + 5)


# Dates


def test_outcome_at_a_date_is_that_of_the_last_step_by_it(calendar: Results) -> None:
    query = "select date::varchar, step, polarization, members_front from dates order by point, replicate, date"
    expected = [
        (day, step, run.outcome("polarization")[step], run.outcome("members_front")[step])
        for _, _, run in runs(calendar)
        for day, step in zip(AT, STEPS_AT, strict=True)
    ]
    assert rows(calendar, query) == expected


def test_steps_have_their_end_dates(calendar: Results, in_rounds: Results) -> None:
    for table in ("steps", "alignments"):
        query = f"select distinct step, date::varchar from {table} where step in (0, 1, 12) order by all"  # noqa: S608
        assert rows(calendar, query) == list(zip((0, 1, 12), ENDS, strict=True))
        assert rows(in_rounds, f"select count(date) from {table}") == [(0,)]  # noqa: S608
    dates = "select distinct moves.date = steps.date from moves join steps using (point, replicate, step)"
    assert rows(calendar, dates) == [(True,)]


def test_window_of_a_calendar_is_the_last_step(calendar: Results) -> None:
    query = "select polarization from {} order by point, replicate"
    assert rows(calendar, query.format("runs")) == rows(calendar, query.format("steps where step = 12"))
    shares = {share for row in rows(calendar, "select columns('share_.*') from states") for share in row}
    assert shares == {0.0, 1.0}
    assert api.compare(calendar.folder).record["averaged_over"] == "the last step"


def test_dated_run_is_replayed(calendar: Results) -> None:
    assert replay_run(calendar, "1-2").equal
    assert {"dates", "moves", "steps"} <= set(calendar.tables())


@pytest.mark.parametrize(
    ("changes", "day", "words"),
    [
        (DATED, "2023-10-24", "2023-10-24 is outside the run; give a date from 2023-10-25 to 2026-10-25"),
        (DATED, "2026-10-26", "2026-10-26 is outside the run; give a date from 2023-10-25 to 2026-10-25"),
        (DATED, "2026-02-30", "'2026-02-30' is not a date; write year-month-day"),
        ({}, "2026-01-01", "2026-01-01: rounds have no dates"),
    ],
)
def test_date_without_an_outcome_is_refused(changes: dict[str, Any], day: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        make_question({"baseline_2023": scenario("baseline_2023", **changes)}, replicates=1, seed=1, at=[day])
    assert (refused.value.faults[0].file, refused.value.faults[0].field) == ("sweep", "at")


# What is stored on request, and what is refused


def blocs(*words: str, code: int = 0) -> Result:
    """Run the command in this process."""
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == code, (done.output, done.exception)
    return done


def test_former_trajectory_and_steps_on_request(tmp_path: Path) -> None:
    out = str(tmp_path / "results")
    done = blocs("sweep", "unix_1988", "--replicates", "2", "--steps", "3", "--trajectory", "--out", out)
    assert "blocs: --trajectory is now the default" in done.stderr
    assert Results(Path(out)).tables() == ["runs", "states", "moves"]
    assert "--keep steps --out FOLDER`" in blocs("query", out, "select * from steps", code=2).stderr
    assert "--at DATE --out FOLDER`" in blocs("query", out, "select * from dates", code=2).stderr
    assert "the view alignments replaces it" in blocs("query", out, "select * from trajectory", code=2).stderr
    assert "Referenced column" in blocs("query", out, "select nothing from runs", code=2).stderr
    ensemble = api.read(out)
    with pytest.raises(InputError, match="outcomes at every step are stored on request"):
        _ = ensemble.steps
    assert list(ensemble.moves.columns[-4:]) == ["state", "from_alignment", "to_alignment", "cause"]
    assert len(ensemble.alignments) == 2 * 4 * 9
    refused = blocs("sweep", "unix_1988", "--replicates", "2", "--steps", "3", "--keep", "steps", "--out", out, code=2)
    assert "contains a different sweep (keep nothing there, steps now)" in refused.stderr


def test_option_at_names_itself(tmp_path: Path) -> None:
    done = blocs("sweep", "unix_1988", "--at", "2030-12-31", "--out", str(tmp_path / "results"), code=2)
    assert "'--at': unix_1988: 2030-12-31: rounds have no dates" in " ".join(done.stderr.split())
    assert not (tmp_path / "results").exists()


def test_older_results_are_refused_and_can_be_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "results"
    words = ("sweep", "unix_1988", "--replicates", "2", "--steps", "3", "--out", str(out))
    blocs(*words)
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    del manifest["format"]
    manifest["command"] = "blocs sweep unix_1988 --replicates 2"
    (out / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    for reader in (("compare", str(out)), ("query", str(out), "select 1"), ("report", str(out)), words,
                   ("replay", str(out), "0-0"), ("explain", str(out), "IBM"), ("claims", str(out)),
                   ("export", str(out), "--out", str(tmp_path / "x"))):  # fmt: skip
        message = " ".join(blocs(*reader, code=2).stderr.split())
        assert "remove the folder, and make the results again with `blocs sweep unix_1988 --replicates 2`" in message
    blocs(*words, "--overwrite")
    assert len(api.read(out).runs) == 2


# Lenses


def test_tendency_has_its_own_window_and_no_dates(tmp_path: Path) -> None:
    out = str(tmp_path / "results")
    found = api.sweep(
        {name: scenario(name, **DATED) for name in ("baseline_2023",)}, replicates=2, lens="tendency", out=out
    )
    assert found.sample.averaged == "the last 40 steps"
    assert rows(Results(Path(out)), "select max(step), count(date) from alignments") == [(80, 0)]
    shares = {share for (share,) in rows(Results(Path(out)), "select share_front from states")}
    assert all(abs(40 * share - round(40 * share)) < 1e-9 for share in shares)
    assert any(40 * share % 5 for share in shares)  # of no shorter window
    assert replay_run(Results(Path(out)), "0-1").equal
    for lens, words in (("histories", "lens tendency there, histories now"), ("tendency", None)):
        question = make_question(
            {"baseline_2023": scenario("baseline_2023", **DATED)}, replicates=2, seed=None, lens=lens
        )
        if words is None:
            assert run_sweep(question, Path(out)).computed_now == 0
        else:
            with pytest.raises(InputError, match=words):
                run_sweep(question, Path(out))


def test_lens_of_the_file_holds_and_two_are_refused() -> None:
    one = load_scenario("unix_1988")
    other = one.model_copy(update={"sweep": one.sweep.model_copy(update={"lens": "tendency"})})
    assert make_question({"other": other}, replicates=1, seed=1).lens == "tendency"
    assert make_question({"other": other}, replicates=1, seed=1, lens="histories").lens == "histories"
    with pytest.raises(InputError, match="other has the lens tendency, and one has histories"):
        make_question({"one": one, "other": other}, replicates=1, seed=1)
    with pytest.raises(InputError, match="2030-01-01: a tendency has no dates"):
        make_question({"other": other}, replicates=1, seed=1, at=["2030-01-01"])
    varied = other.model_copy(update={"sweep": other.sweep.model_copy(update={"vary": {"renewal": (0.1, 0.2)}})})
    with pytest.raises(InputError, match="varies renewal, which the lens of tendency sets"):
        make_question({"varied": varied}, replicates=1, seed=1)


def test_options_that_a_tendency_replaces_are_refused(tmp_path: Path) -> None:
    words = ("sweep", "unix_1988", "--lens", "tendency", "--out", str(tmp_path / "results"))
    for more in (("--steps", "9"), ("--set", "renewal=0.1")):
        assert "under the lens of tendency, which sets it" in " ".join(blocs(*words, *more, code=2).stderr.split())
    settings = ("--set", "renewal=0.1", "--vary", "w_likeness=0:1:2")
    found = blocs("sweep", "unix_1988", "--steps", "2", "--replicates", "1", *settings, "--out", str(tmp_path / "idle"))
    assert "blocs: --set 'renewal=0.1': dispositions are fresh, so it changes nothing" in found.stderr
    assert "blocs: --vary 'w_likeness=0:1:2': no two states have a polyarchy, so it changes nothing" in found.stderr
    words = ("sensitivity", "unix_1988", "--lens", "tendency", "--points", "2", "--replicates", "1")
    for more, message in (
        (("--set", "renewal=0.1"), "under the lens of tendency, which sets it"),
        (("--vary", "renewal=0:1"), "varies renewal, which the lens of tendency sets"),
        (("--vary", "world.w_bond=0:1"), "varies world.w_bond, which the lens of tendency sets or has not"),
    ):
        assert message in " ".join(blocs(*words, *more, code=2).stderr.split())
