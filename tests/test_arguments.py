"""Arguments: settings given twice, equal values, ranges, seeds, and counts of any integer type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from sim import api, compare, load, read, run, sweep
from sim.analysis.explain import average_accounts
from sim.batch.design import point_labels
from sim.batch.recorded import count_runs, scenarios_as_run
from sim.batch.store import Results
from sim.cli import cli
from sim.errors import InputError, InputWarning
from sim.reporting.page import render_page
from sim.scenario.overrides import exact_text, list_changes, with_settings

HEAD = 'title = "mine"\nworld = "unix_1988"\nsteps = 2\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocs(*words: str) -> Result:
    """The command in this process."""
    return CliRunner().invoke(cli, list(words))


def refused(*words: str) -> str:
    """What the command says where it refuses."""
    done = blocs(*words)
    assert done.exit_code == 2, (done.output, done.exception)
    return " ".join(done.stderr.split())


def written(text: str, name: str = "w.toml") -> str:
    """A scenario file with more lines."""
    Path(name).write_text(HEAD + text, "utf-8")
    return name


# Equal and near values


@pytest.mark.parametrize(
    ("vary", "said"),
    [
        ('"w_bond" = [1, 1.0, 2]', "w_bond has the value 1.0 twice; give each value once"),
        ("w_bond = { start = 1, stop = 1, points = 3 }", "w_bond, from 1.0 to 1.0, has fewer different values"),
        (
            "w_bond = { start = 1, stop = 1.0000000000000002, points = 3 }",
            "w_bond, from 1.0 to 1.0000000000000002, has fewer",
        ),
    ],
)
def test_equal_values_of_swept_setting(vary: str, said: str) -> None:
    assert f"w.toml:4: sweep.vary: {said}" in refused("check", written(f"[sweep.vary]\n{vary}\n"))


def test_equal_points_of_list() -> None:
    text = '[sweep]\ndesign = "list"\n[sweep.vary]\nw_bond = [1, 1, {}]\nerosion = [0, 1, 0]\n'
    assert "the point w_bond = 1, erosion = 0 is given twice; give it once" in refused("check", written(text.format(1)))
    assert blocs("check", written(text.format(2))).exit_code == 0


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_near_values_have_distinct_designs() -> None:
    name = written("[sweep]\nreplicates = 2\n[sweep.vary]\nw_bond = [1, 1.0000001]\n")
    results = sweep(name, out="r").folder
    designs = ["w [w_bond=1]", "w [w_bond=1.0000001]"]
    held = Results(results)
    assert read(results).sample.designs == designs
    assert list(dict.fromkeys(read(results).runs["design"])) == designs
    assert list(scenarios_as_run(held, designs)) == designs
    assert [one.design for one in count_runs(held)] == designs
    assert [name for name, _ in average_accounts(held, "IBM", replicates=2)] == designs
    assert compare(results, baseline=designs[0]).outcomes["scenario"].unique().tolist() == designs[1:]
    assert "1.0000001" in render_page(held)
    for words in (("compare", "r"), ("explain", "r", "IBM"), ("report", "r", "--points", "0")):
        assert blocs(*words).exit_code == 0


def record(name: str = "w", **settings: float) -> dict[str, Any]:
    """A recorded design point."""
    return {"scenario": name, "settings": settings}


def test_distinct_labels_of_design_points() -> None:
    assert point_labels([record(w=1 / 3), record(w=2 / 3)]) == ["w [w=0.333333]", "w [w=0.666667]"]
    near = [record(w=1 / 3), record(w=1 / 3 + 1e-16), record(w=0.333333), record(w=1)]
    assert point_labels(near) == [
        "w [w=0.3333333333333333]", "w [w=0.3333333333333334]", "w [w=0.333333]", "w [w=1]",
    ]  # fmt: skip
    assert point_labels([record(w=1), record(w=1), record("v")]) == ["w [w=1]", "w [w=1] (2)", "v"]


def test_one_point_for_each_draw() -> None:
    done = blocs(
        "sweep",
        "baseline_2023",
        "--parameters",
        "posterior",
        "--draws",
        "8",
        "--steps",
        "1",
        "--replicates",
        "1",
        "--out",
        "r",
    )
    assert done.exit_code == 0, (done.output, done.exception)
    found = read("r")
    assert len(found.sample.designs) == len(set(found.sample.designs)) == len(found.runs) == 8


def test_change_in_seventh_digit() -> None:
    base = load("unix_1988", w_bond=1)
    assert list_changes(base, with_settings(base, {"w_bond": 1.0000001})) == [("parameters.w_bond", "1", "1.0000001")]
    assert [exact_text(value) for value in (0.5, 1e9, 1 / 3, 3.0)] == ["0.5", "1e+09", "0.3333333333333333", "3"]


# One setting given twice


@pytest.mark.parametrize(
    ("vary", "setting", "other"),
    [
        ('"parameters.w_bond" = [1]\nw_bond = [2]', "parameters.w_bond", "parameters.w_bond"),
        ('"blocs.*.accommodation" = [1]\n"blocs.unix_international.accommodation" = [2]',
         "blocs.unix_international.accommodation", "blocs.*.accommodation"),
        ('"ties.bond.{0}.{1}" = [1]\n"ties.bond.{1}.{0}" = [0.5]', "ties.bond.{0}.{1}", "ties.bond.{0}.{1}"),
    ],
)  # fmt: skip
def test_setting_swept_twice_under_two_spellings(vary: str, setting: str, other: str) -> None:
    scenario = load("unix_1988")
    states, bloc = sorted(scenario.states)[:2], next(iter(scenario.blocs))
    vary, setting, other = (text.format(*states).replace("unix_international", bloc) for text in (vary, setting, other))
    said = refused("check", written(f"[sweep.vary]\n{vary}\n"))
    assert f"w.toml:6: sweep.vary.{vary.splitlines()[1].partition(' =')[0].strip(chr(34))}: sets {setting}" in said
    assert f"and so does {other}; leave one of them out" in said


def test_setting_switched_off_and_swept() -> None:
    Path("w.toml").write_text(HEAD + 'without = ["bond"]\n[sweep.vary]\nw_bond = [1]\n', "utf-8")
    assert "sets parameters.w_bond, and so does without bond" in refused("check", "w.toml")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--set", "w_bond=1", "--set", "parameters.w_bond=2"),
            "Invalid value for '--set': parameters.w_bond=2: gives parameters.w_bond",
        ),
        (
            ("--set", "w_bond=1", "--without", "bond"),
            "'--without': bond: gives parameters.w_bond, and so does --set",
        ),
        (("--without", "bond", "--without", "bond"), "Invalid value for '--without': bond: gives parameters.w_bond"),
    ],
)
@pytest.mark.parametrize("command", [("sweep",), ("run",), ("show",), ("explain", "USA"), ("score",)])
def test_setting_given_twice_to_command(command: tuple[str, ...], options: tuple[str, ...], said: str) -> None:
    assert said in refused(command[0], "unix_1988", *command[1:], *options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--vary", "w_bond=0:1", "--vary", "parameters.w_bond=0:2"), "'--vary': parameters.w_bond: gives"),
        (("--vary", "w_bond=0:1:2", "--set", "w_bond=1"), "'--set': w_bond=1: gives parameters.w_bond, and so does"),
        (("--vary", "w_bond=0:1:2", "--without", "bond"), "'--without': bond: gives parameters.w_bond, and so does"),
        (("--design", "sobol", "--points", "2", "--set", "w_bond=1"), "so does the sobol design, which samples all"),
    ],
)  # fmt: skip
def test_setting_varied_and_given_to_sweep(options: tuple[str, ...], said: str) -> None:
    assert said in refused("sweep", "unix_1988", "--replicates", "1", *options)


def test_setting_swept_by_file_and_given() -> None:
    name = written("[sweep.vary]\nw_bond = [0, 1]\n")
    assert "Invalid value for '--set': w_bond=1: gives parameters.w_bond, and so does the sweep of w" in refused(
        "sweep", name, "--set", "w_bond=1"
    )
    assert blocs("run", name, "--set", "w_bond=1").exit_code == 0
    assert blocs("sweep", name, "--vary", "erosion=0:1:2", "--set", "w_bond=1", "--replicates", "1").exit_code == 0


@pytest.mark.parametrize("options", [("--vary", "parameters.w_bond=0:1"), ("--set", "w_bond=1"), ("--without", "bond")])
def test_setting_varied_and_given_to_sensitivity(options: tuple[str, str]) -> None:
    said = refused("sensitivity", "unix_1988", "--vary", "w_bond=0:1", *options, "--points", "2")
    assert "gives parameters.w_bond, and so does --vary" in said


@pytest.mark.parametrize(
    "given",
    [
        {"w_bond": 1, "parameters.w_bond": 2},
        {"w_bond": 1, "without": "bond"},
        {"without": ["bond", "bond"]},
    ],
)
def test_setting_given_twice_in_python(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"gives parameters\.w_bond, and so does .*; leave one out"):
        load("unix_1988", **given)


def test_warning_of_unused_seed() -> None:
    one, other = written("[sweep]\nseed = 1\n", "one.toml"), written("[sweep]\nseed = 2\n", "other.toml")
    done = blocs("sweep", one, other, "--replicates", "1", "--json", "--out", "r")
    said = "the random seed 2 of other is not used; all runs use 1, the seed of the first scenario"
    assert said in done.stderr
    assert json.loads(done.stdout)["unused_seeds"] == {"other": 2}
    assert "The random seed 2 of other is not used." in read("r")._repr_html_()
    assert repr(read("r")).endswith(": one, other; random seeds not used: 2 of other>")
    assert said not in blocs("sweep", one, other, "--replicates", "1", "--seed", "5").stderr
    done = blocs("regret", one, other, "--outcome", first_outcome(), "--points", "2", "--replicates", "1", "--json")
    assert said in done.stderr
    assert json.loads(done.stdout)["unused_seeds"] == {"other": 2}


def first_outcome() -> str:
    """An outcome of the small world."""
    return f"capability_{next(iter(load('unix_1988').blocs))}"


# Ranges


@pytest.mark.parametrize("points", ["2.5", "0.25", "1", "0", "-3", "1e400"])
@pytest.mark.parametrize("command", [("sweep",), ("sensitivity",)])
def test_points_of_range(command: tuple[str], points: str) -> None:
    said = refused(*command, "unix_1988", "--vary", f"w_bond=0:1:{points}")
    assert "the number of points is a whole number from 2 on" in said


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        ("w_bond=0:1:999999999", "points are too many; give at most 10000"),
        ("w_bond=0:nan:3", "both ends are finite numbers"),
        ("w_bond=0:inf:3", "both ends are finite numbers"),
        ("=0:1", "unknown setting ''"),
    ],
)
def test_range_in_plain_words(vary: str, message: str) -> None:
    said = refused("sweep", "unix_1988", "--vary", vary)
    assert message in said
    assert "Input should" not in said
    assert "--design" not in said


@pytest.mark.parametrize("span", ["1:1:3", "1:1"])
def test_range_of_one_value(span: str) -> None:
    said = refused("sweep", "unix_1988", "--vary", f"w_bond={span}")
    assert "both ends are 1; give two that differ, or one value with --set" in said


# Counts and other values of the Python functions

WRONG = [0, -1, 1.5, 2.0, "3", True, np.bool_(True), float("nan"), np.float64(2), [3], 10**30]


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.array])
def test_counts_of_any_integer_type(kind: Any) -> None:
    plain, other = (
        sweep(load("unix_1988", steps=as_given(2)), replicates=as_given(3), seed=as_given(7), workers=as_given(1))
        for as_given in (int, kind)
    )
    assert Results(plain.folder).digest() == Results(other.folder).digest()
    assert json.loads((other.folder / "manifest.json").read_text("utf-8"))["question"]["seed"] == 7
    once = run("unix_1988", seed=kind(7), replicate=kind(2))
    assert (once.seed, once.replicate) == (7, 2)
    assert type(load("unix_1988", steps=kind(2)).steps) is int


@pytest.mark.parametrize("value", WRONG, ids=repr)
@pytest.mark.parametrize(
    ("name", "least"), [("replicates", 1), ("seed", 0), ("workers", 1), ("steps", 1), ("replicate", 0)]
)
def test_invalid_count(name: str, least: int, value: Any) -> None:
    if isinstance(value, int) and not isinstance(value, bool) and value == least == 0:
        value = -2
    ask: Any = {"steps": load, "replicate": run}.get(name, sweep)
    with pytest.raises(InputError) as caught:
        ask("unix_1988", **{name: value})
    (fault,) = caught.value.faults
    assert (fault.file, fault.field) == (ask.__name__, name)
    assert f" is not a whole number from {least} to " in fault.message
    assert repr(value)[:20] in fault.message


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: sweep({}), "sweep:1: scenarios: no scenario is given; give one or more"),
        (lambda: sweep([]), "sweep:1: scenarios: no scenario is given; give one or more"),
        (lambda: sweep(3), "sweep:1: scenarios: 3 is not a scenario, nor several of them"),
        (lambda: sweep([3]), "sweep:1: scenarios: 3 is not a scenario, nor the name or path of one"),
        (lambda: sweep({"a": None}), "sweep:1: scenarios: None is not a scenario, nor the name or path of one"),
        (lambda: sweep(""), "sweep:1: scenarios: '' is not a scenario, nor the name or path of one"),
        (lambda: sweep("unix_1988", out=3), "sweep:1: out: 3 is not the path of a folder"),
        (
            lambda: sweep("unix_1988", progress=3),
            "sweep:1: progress: 3 is not a function of the runs done and of all runs",
        ),
        (lambda: load(3), "load:1: name: 3 is not a name or path of a scenario"),
        (lambda: load("unix_1988", w_bond="1"), "load:1: w_bond: '1' is not a number"),
        (lambda: load("unix_1988", w_bond=True), "load:1: w_bond: True is not a number"),
        (lambda: load("unix_1988", w_bond=None), "load:1: w_bond: None is not a number"),
        (lambda: load("unix_1988", without=3), "load:1: without: 3 is not text, nor a list of texts"),
        (lambda: load("unix_1988", without=["bond", 3]), "load:1: without: 3 is not text, nor a list of texts"),
        (lambda: read(3), "read:1: folder: 3 is not the path of a folder"),
        (lambda: compare(3), "read:1: folder: 3 is not the path of a folder"),
        (lambda: compare(".", baseline=3), "compare:1: baseline: 3 is not the name of a scenario"),
        (
            lambda: api.backtest(".", histories=0),
            "backtest:1: histories: 0 is not a whole number from 1 to 10000000",
        ),
    ],
)
def test_argument_of_wrong_kind(ask: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        ask()
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: api.explain("unix_1988", 3), "explain:1: state: 3 is not the id of a state"),
        (lambda: api.explain("unix_1988", "IBM", flip=1), "explain:1: flip: 1 is not True or False"),
        (
            lambda: api.explain("unix_1988", "IBM", step=9999),
            "explain:1: step: 9999 is not one of the scenario's steps",
        ),
        (lambda: api.explain("unix_1988", "IBN"), "explain:1: state: unknown state 'IBN' (did you mean 'IBM'?)"),
        (lambda: api.explain("unix_1988", "IBM", replicate=1), "explain:1: replicate: is about one run; give step"),
        (lambda: api.sensitivity("unix_1988", points=3), "sensitivity:1: points: 3 is not a power of 2; give 4"),
        (lambda: api.sensitivity("unix_1988", "size"), "sensitivity:1: outcome: unknown outcome"),
        (lambda: api.sensitivity("unix_1988", vary={"w_bond": (1, 0)}), "sensitivity:1: vary: 1 is not below 0"),
        (lambda: api.sensitivity("unix_1988", vary={"w_bond": 1}), "sensitivity:1: vary: the range 1 of w_bond"),
        (
            lambda: api.sensitivity("unix_1988", vary={"w_bund": (0, 1)}),
            "sensitivity:1: vary: unknown setting",
        ),
        (lambda: api.sensitivity("unix_1988", vary={"w_bond": (0, 99)}), "sensitivity:1: vary: "),
        (lambda: api.regret("unix_1988"), "regret:1: give two levers or more"),
        (lambda: api.regret(["baseline_2023", "no_sanctions"], points=1), "regret:1: points: 1 is not between 2 and"),
        (lambda: api.regret(maximize="yes"), "regret:1: maximize: 'yes' is not True or False"),
        (lambda: api.claims(point_replicates=1), "claims:1: point_replicates: 1 is not a whole number from 2 to"),
        (lambda: api.claims(3), "read:1: folder: 3 is not the path of a folder"),
        (lambda: api.score("unix_1988"), "unix_1988:1: its world has no observed.toml"),
        (lambda: api.calibrate("unix_1988", out="r"), "unix_1988:1: its world has no observed.toml"),
        (lambda: api.landscape("unix_1988", seconds=-1), "landscape:1: seconds: -1 is not between 0 and 86400"),
        (lambda: api.replay(".", 3), "replay:1: run: 3 is not text POINT-REPLICATE"),
        (lambda: api.replay(".", "0-0", engine="c"), "replay:1: engine: 'c' is not 'compiled' or 'mesa'"),
        (lambda: api.report(".", points="4"), "report:1: points: '4' is not a whole number from 0 to"),
    ],
)
def test_argument_of_analysis(ask: Any, said: str) -> None:
    with pytest.raises(InputError) as caught:
        ask()
    assert str(caught.value).startswith(said)


def test_every_fault_of_arguments() -> None:
    with pytest.raises(InputError) as caught:
        api.regret(outcome=3, threshold="x", points=0.5, replicates=0, progress=1)  # type: ignore[arg-type]
    assert [fault.field for fault in caught.value.faults] == [
        "outcome",
        "points",
        "progress",
        "replicates",
        "threshold",
    ]


def test_settings_of_any_real_type() -> None:
    for value in (np.float32(0.5), np.float64(0.5), 0.5):
        assert api.load("unix_1988", erosion=value).digest() == api.load("unix_1988", erosion=0.5).digest()
    assert load("unix_1988", w_bond=np.int64(1)).parameters.w_bond.value == 1.0


def test_folder_of_results_that_is_a_file(folder: Path) -> None:
    (folder / "taken").touch()
    with pytest.raises(InputError, match="taken is a file; give a folder"):
        sweep("unix_1988", replicates=1, out="taken")


def test_undefined_threshold() -> None:
    with pytest.raises(InputError, match="threshold: nan is not a finite number"):
        api.regret(["unix_1988", "unix_1988"], threshold=float("nan"))


def test_warning_of_a_value_that_the_sweep_varies() -> None:
    own = written('[sweep.vary]\n"parameters.w_bond" = [1, 2]\n')
    with pytest.warns(InputWarning, match="the sweep of the file varies it"):
        load(own, w_bond=5)


def test_vary_that_replaces_the_sweep_of_the_file(folder: Path) -> None:
    own = written('[sweep.vary]\n"parameters.w_bond" = [1, 2]\n')
    done = blocs("sweep", own, "--vary", "w_pressure=0:1:2", "--replicates", "1", "--out", str(folder / "r"))
    assert done.exit_code == 0, done.output
    assert "--vary replaces the sweep of the file, which varies parameters.w_bond" in done.stderr


# Arguments that would change nothing


@pytest.fixture(scope="module")
def few_runs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two runs of two scenarios, of which one claim can be judged."""
    place = tmp_path_factory.mktemp("few") / "r"
    return str(sweep(["baseline_2023", "no_sanctions"], replicates=2, out=place).folder)


@pytest.mark.parametrize(
    ("words", "faults"),
    [
        (("claims", "{}", "--points", "0", "--placebos", "0", "--replicates", "7", "--seed", "9"),
         ["'--replicates': does not apply with results", "'--seed': does not apply with results"]),
        (("claims", "{}", "--points", "0", "--point-replicates", "9", "--lens", "histories"),
         ["'--point-replicates': does not apply without points", "'--lens': does not apply with results"]),
        (("claims", "--points", "0", "--parameters", "posterior"), ["'--parameters': does not apply without points"]),
        (("report", "{}", "--points", "0", "--seed", "5"), ["'--seed': is for the analyses over the parameters'"]),
        (("report", "{}", "--points", "0", "--parameters", "posterior"), ["'--parameters': is for the analyses over"]),
        (("claims", "{}", "--markdown", "--json"), ["--markdown and --json are two forms of one output"]),
        (("score", "--markdown", "--json"), ["--markdown and --json are two forms of one output"]),
        (("sweep", "unix_1988", "--design", "grid"), ["'--design': grid: varies nothing; give --vary"]),
        (("explain", "baseline_2023", "IRN", "--seed", "3"), ["'--seed': changes nothing, as chances at"]),
    ],
)  # fmt: skip
def test_options_that_would_change_nothing(words: tuple[str, ...], faults: list[str], few_runs: str) -> None:
    done = blocs(*(word.format(few_runs) for word in words))
    assert done.exit_code == 2, done.output
    said = " ".join(done.output.split())
    for fault in faults:
        assert fault in said


def test_claims_of_results_do_not_record_runs_of_their_own(few_runs: str) -> None:
    counts = api.claims(few_runs, points=0, placebos=2, seed=4).record["counts"]
    assert counts["replicates"] is None
    assert counts["placebos"] == 2
    assert counts["seed"] == 4


def test_rows_of_a_query_in_both_forms(few_runs: str) -> None:
    sql = "select replicate from runs order by all"
    every = json.loads(blocs("query", few_runs, sql, "--json").stdout)
    assert len(every) == 4
    assert json.loads(blocs("query", few_runs, sql, "--json", "--rows", "3").stdout) == every[:3]
    assert "… and 1 more rows" in blocs("query", few_runs, sql, "--rows", "3").stdout


def test_draws_that_replace_what_a_file_varies() -> None:
    name = written("[sweep.vary]\nw_pressure = [0.2, 0.4]\n")
    Path(name).write_text(Path(name).read_text("utf-8").replace("unix_1988", "article_2023"), "utf-8")
    done = blocs("sweep", name, "--parameters", "posterior", "--draws", "2", "--replicates", "1", "--out", "r")
    assert "--parameters replaces the sweep of the file, which varies w_pressure" in done.stderr
