"""The Python side of the command: load a scenario, run it, sweep several, compare them, all as tables of pandas.

What is wrong with a file, a name or a setting raises `InputError`, which says every fault and what would be right.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from sim import arguments
from sim.analysis.chance import chance_warning
from sim.analysis.compare import (
    Pairing,
    Sample,
    bloc_sizes,
    compare_outcomes,
    compare_states,
    identical_words,
    main_outcomes,
    pairings,
    read_sample,
)
from sim.batch.executor import Progress
from sim.batch.store import Results
from sim.batch.sweep import make_question, unused_seeds
from sim.batch.sweep import run_sweep as execute
from sim.errors import Fault, InputError, InputWarning, warning_lines
from sim.model import compiled
from sim.model.trajectory import Run
from sim.names import RULE, is_scenario_name, require_distinct, scenario_name
from sim.scenario import loading, overrides
from sim.scenario.schema import Scenario

__all__ = [
    "Comparison",
    "Ensemble",
    "History",
    "InputError",
    "InputWarning",
    "compare",
    "load",
    "read",
    "run",
    "sweep",
]

Named = str | Path

Scenarios = Scenario | Named | Sequence[Scenario | Named] | Mapping[str, Scenario | Named]

Change = tuple[str, Callable[..., Scenario], Any]  # a field, what changes a scenario, and the value for it


def load(name: Named, *, steps: int | None = None, without: str | Iterable[str] = (), **changes: float) -> Scenario:
    """A scenario or world by name or path, resolved and frozen, with settings changed and mechanisms off.

    changes are what `--set` takes: a parameter by its name, anything else by its path, such as
    `**{"blocs.us_led.accommodation": 0.1}`. Raises InputError where there is no such scenario, a file has
    faults, or a setting or mechanism is unknown or out of its bounds. Warns (InputWarning) of entries that change
    nothing.

    >>> scenario = load("baseline_2023", w_pressure=0.5, without="shelter")
    >>> scenario
    <Scenario 'Baseline, October 2023': 52 states, blocs us_led, front, 40 steps>
    >>> scenario.parameters.w_pressure.value, scenario.parameters.w_shelter.value
    (0.5, 0.0)
    >>> load("baseline_2023", erosoin=1)
    Traceback (most recent call last):
    sim.faults.InputError: baseline_2023:1: erosoin: unknown setting 'erosoin' (did you mean 'erosion'?); ...
    """
    count = arguments.require_whole_or_none("load", "steps", steps)
    numbers = {path: arguments.require_number("load", path, value) for path, value in changes.items()}
    reading = loading.read_scenario(arguments.require_path("load", "name", name))
    for line in warning_lines(reading.warnings):
        warnings.warn(line, InputWarning, stacklevel=2)
    told = reading.scenario
    wanted: list[Change] = [(path, overrides.with_settings, {path: value}) for path, value in numbers.items()]
    off = mechanism_changes(told, without, numbers)
    wanted += [*off, *([] if count is None else [("steps", overrides.with_steps, count)])]
    return apply_changes(str(name), wanted, told)


def apply_changes(name: str, changes: Iterable[Change], told: Scenario) -> Scenario:
    """The scenario after changes; raises InputError with every fault."""
    faults = []
    for field, change, value in changes:
        try:
            told = change(told, value)
        except ValueError as error:
            faults.append(Fault(name, 1, field, str(error)))
    if faults:
        raise InputError(faults)
    return told


def mechanism_changes(scenario: Scenario, mechanisms: str | Iterable[str], changed: Iterable[str] = ()) -> list[Change]:
    """The changes that switch mechanisms off; raises InputError where a setting is given twice beside those changed."""
    names = arguments.require_texts("load", "without", mechanisms)
    options = [(path, [path]) for path in changed]
    options += [(f"without {name}", [*overrides.MECHANISMS.get(name, ())]) for name in names]
    if faults := [
        Fault("load", 1, owner, f"gives {place}, and so does {other}; leave one of them out")
        for owner, place, other in overrides.settings_given_twice(scenario, options)
    ]:
        raise InputError(faults)
    return [(name, overrides.with_mechanism_off, name) for name in names]


@dataclass(frozen=True, eq=False)
class History:
    """One run over its steps, the start included.

    steps: a row a step, the outcomes of `docs/model.md`. states: a row a step and state: its alignment, the chance
    it gave each alignment (NaN at the start), its regime's stability, and the bite of sanctions on it.
    """

    title: str
    seed: int
    replicate: int
    steps: pd.DataFrame
    states: pd.DataFrame

    @property
    def alignments(self) -> pd.DataFrame:
        """Where each state stands: a row a step, a column a state."""
        return self.states.pivot_table(index="step", columns="state", values="alignment", aggfunc="first")

    def __repr__(self) -> str:
        last = self.steps.index[-1]
        return f"<Trajectory of {self.title!r}: {last} steps, seed {self.seed}, replicate {self.replicate}>"

    def _repr_html_(self) -> str:
        last = self.states[self.states["step"] == self.states["step"].max()]
        rows = [
            (alignment, len(members), self.steps[f"capability_{alignment}"].iloc[-1], ", ".join(members["state"]))
            for alignment, members in last.groupby("alignment", sort=False)
        ]
        table = pd.DataFrame(rows, columns=["alignment", "states", "share of capability", "who stands there"])
        return render_table(
            self.title, table.sort_values("share of capability", ascending=False, kind="stable"),
            f"After {self.steps.index[-1]} rounds of decisions; seed {self.seed}, replicate {self.replicate}. "
            "One run is one draw of luck: sweep() shows how runs spread.",
        )  # fmt: skip


def run(
    scenario: Scenario | Named, *, seed: int | None = None, replicate: int = 0, without: str | Iterable[str] = ()
) -> History:
    """Run a scenario once; the same scenario, seed and replicate give the same run, here and by `blocs run`.

    seed is the scenario's own by default. Raises InputError as `load` does. Warns (InputWarning) where choices are
    close to chance.

    >>> once = run("baseline_2023", seed=7)
    >>> once.steps.shape[0], once.states["state"].nunique()
    (41, 52)
    >>> once.alignments.loc[40, "USA"]
    'us_led'
    """
    own, which = (
        arguments.require_whole_or_none("run", "seed", seed),
        arguments.require_whole("run", "replicate", replicate),
    )
    scenario = scenario if isinstance(scenario, Scenario) else load(scenario)
    scenario = apply_changes("run", mechanism_changes(scenario, without), scenario)
    if message := chance_warning(scenario):
        warnings.warn(message, InputWarning, stacklevel=2)
    luck = scenario.sweep.seed if own is None else own
    return tabulate_run(scenario.title, compiled.run_compiled(scenario, seed=luck, replicate=which))


def tabulate_run(title: str, once: Run) -> History:
    """A run as tables."""
    steps, states = once.alignment.shape
    index = pd.RangeIndex(steps, name="step")
    columns = {
        "step": np.repeat(np.arange(steps), states),
        "state": np.tile(np.array(once.states, dtype=object), steps),
        "alignment": np.array(once.alignments, dtype=object)[once.alignment].ravel(),
        **{f"chance_{a}": once.chances[:, :, k].ravel() for k, a in enumerate(once.alignments)},
        "regime_stability": once.stability.ravel(),
        "bite": once.bite.ravel(),
    }
    outcomes = pd.DataFrame(once.outcomes, columns=list(once.outcome_names), index=index)
    return History(title, once.seed, once.replicate, outcomes, pd.DataFrame(columns))


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Many runs of one or more scenarios, read from their folder when a table is first asked for.

    runs: a row a run, its outcomes as means over the last steps, 8 at most. states: a row a run and state, the share
    of those steps in each alignment. steps: a row a run and step. `design` names the scenario and what its sweep sets.
    """

    folder: Path

    @cached_property
    def sample(self) -> Sample:
        """The finished runs as `compare` reads them; raises InputError where there is none."""
        return read_sample(Results(self.folder))

    @property
    def runs(self) -> pd.DataFrame:
        """A row a run."""
        return self.sample.runs

    @property
    def states(self) -> pd.DataFrame:
        """A row a run and state."""
        return self.sample.states

    @cached_property
    def steps(self) -> pd.DataFrame:
        """A row a run and step."""
        found = self.query("select * from steps order by point, seed, replicate, step")
        labels = self.runs.drop_duplicates("point").set_index("point")["design"]
        found.insert(0, "design", found["point"].map(labels))
        return found

    @property
    def failed(self) -> int:
        """Runs that failed; their errors stand in the column `error` of the table runs, which `query` reads."""
        return self.sample.failed

    def query(self, sql: str) -> pd.DataFrame:
        """What a question in SQL finds in the tables runs, states, steps and points."""
        with contextlib.closing(Results(self.folder).connection()) as connection:
            found: pd.DataFrame = connection.execute(sql).df()
        return found

    def __repr__(self) -> str:
        of = f"<Ensemble of {len(self.runs)} runs, {self.failed} failed: {', '.join(self.sample.designs)}"
        unused = ", ".join(f"{seed} of {name}" for name, seed in self.unused_seeds.items())
        return f"{of}; random seeds not used: {unused}>" if unused else f"{of}>"

    @property
    def unused_seeds(self) -> dict[str, int]:
        """Random seeds that scenarios have of their own, by name: that of the first scenario serves all runs."""
        return unused_seeds(Results(self.folder).manifest())

    def _repr_html_(self) -> str:
        names = ["scenario", "bloc", "capability", "5 %", "median", "95 %", "runs ≥ 0.1", "runs"]
        table = pd.DataFrame(bloc_sizes(Results(self.folder)), columns=names)
        failed = f" {self.failed} runs failed and are left out." if self.failed else ""
        failed += "".join(f" The random seed {n} of {name} is not used." for name, n in self.unused_seeds.items())
        return render_table(
            f"{len(self.runs)} runs", table,
            f"Share of capability that each bloc has: mean and quantiles over runs (means over {self.sample.averaged} "
            "of each), and the share of the "
            f"runs in which it has at least a tenth.{failed}",
        )  # fmt: skip


def sweep(
    scenarios: Scenarios, *, replicates: int | None = None,
    seed: int | None = None, out: Named | None = None, workers: int | None = None, progress: Progress | None = None,
) -> Ensemble:  # fmt: skip
    """Run scenarios many times on the same luck: names, paths or scenarios, or a mapping of names to them.

    out is the folder of the results, as of `blocs sweep --out`: the same call goes on where it was stopped, and one
    that asks for more replicates or scenarios runs what is missing. Without it the results live as long as what is
    returned. Counts and the random seed are whole numbers of any integer type; replicates are each scenario's own by
    default, seed the first scenario's, workers one thread a core; progress hears of the runs done and of all runs.
    Raises InputError as `load` does, where two scenarios would get one name, and where the folder holds what is not
    asked.

    >>> heard = []
    >>> results = sweep(["baseline_2023", "no_sanctions"], replicates=20, progress=lambda *so_far: heard.append(so_far))
    >>> results
    <Ensemble of 40 runs, 0 failed: baseline_2023, no_sanctions>
    >>> heard[-1]
    (40, 40)
    >>> results.runs.groupby("design")["capability_front"].mean().between(0, 1).all().item()
    True
    """
    count, luck = (
        arguments.require_whole_or_none("sweep", key, n) for key, n in (("replicates", replicates), ("seed", seed))
    )
    threads = arguments.require_whole_or_none("sweep", "workers", workers)
    out = None if out is None else arguments.require_path("sweep", "out", out, "the path of a folder")
    if not (progress is None or callable(progress)):
        raise arguments.argument_fault("sweep", "progress", progress, "a function of the runs done and of all runs")
    found = {name: one if isinstance(one, Scenario) else load(one) for name, one in named(scenarios).items()}
    question = make_question(found, replicates=count, seed=luck)
    folder = Path(tempfile.mkdtemp(prefix="blocs-")) if out is None else Path(out)
    made = Ensemble(folder)
    if out is None:
        weakref.finalize(made, shutil.rmtree, folder, ignore_errors=True)
    execute(question, folder, workers=threads, progress=progress or (lambda done, total: None))
    return made


MAPPING = "give a mapping of names of your own to the scenarios"


def named(scenarios: Any) -> dict[str, Scenario | Named]:
    """Scenarios by their names; raises InputError where there is none, or where a name is none or is given twice."""
    if isinstance(scenarios, (str, Path, Scenario)):
        scenarios = [scenarios]
    if not isinstance(scenarios, Iterable):
        raise arguments.argument_fault("sweep", "scenarios", scenarios, "a scenario, nor several of them")
    if not (several := scenarios if isinstance(scenarios, Mapping) else list(scenarios)):
        raise InputError([Fault("sweep", 1, "scenarios", "there is no scenario; give one or more")])
    for one in several.values() if isinstance(several, Mapping) else several:
        if not isinstance(one, Scenario):
            arguments.require_path("sweep", "scenarios", one, "a scenario, nor the name or path of one")
    if isinstance(several, Mapping):
        if wrong := [name for name in several if not is_scenario_name(name)]:
            raise InputError(
                Fault("sweep", 1, "scenarios", f"{name!r} cannot name a scenario; {RULE}") for name in wrong
            )
        return dict(several)
    items = [
        (one.title, one, f"scenario {n}") if isinstance(one, Scenario) else (scenario_name(one), one, str(one))
        for n, one in enumerate(several, start=1)
    ]
    return require_distinct(items, MAPPING)


def read(folder: Named) -> Ensemble:
    """The results of an earlier sweep; raises InputError where the folder holds none."""
    place = Path(arguments.require_path("read", "folder", folder, "the path of a folder"))
    Results(place).manifest()
    return Ensemble(place)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Scenarios beside a baseline, run by run on the same luck.

    outcomes: a row a scenario and outcome; states: a row a scenario, state and alignment. Both give the means, the
    mean difference with its 95 % interval (low, high), effect size, p, and `clear`: whether the difference
    is one though all outcomes, or all states, of the scenario are asked at once. pairings: of each scenario, how its
    runs pair with the baseline's, whether they are identical, and how many would do. averaged: the steps that
    outcomes and shares are means over.
    """

    baseline: str
    outcomes: pd.DataFrame
    states: pd.DataFrame
    main: pd.DataFrame
    pairings: list[Pairing]
    averaged: str

    @property
    def notes(self) -> list[str]:
        """What has to be known before the numbers, such as that runs are identical, or too few."""
        said = [f"{one.scenario}: {sentence}" for one in self.pairings for sentence in one.sentences]
        return said + [words for words in [identical_words(self.outcomes)] if words]

    def __repr__(self) -> str:
        others = ", ".join(one.scenario for one in self.pairings)
        said = "".join(f"\n{one.scenario}: {words}" for one in self.pairings for words in one.sentences)
        return f"<Comparison with {self.baseline}: {others or 'nothing to compare it with'}>{said}"

    def _repr_html_(self) -> str:
        measured = ["baseline_mean", "mean", "difference", "low", "high", "pairs", "identical", "clear"]
        return render_table(
            f"Against {self.baseline}", self.main[["scenario", "outcome", *measured]],
            f"Mean difference over paired runs (means over {self.averaged} of each) with its 95 % interval of chance, "
            "at these parameters. clear: at 5 % though all outcomes of the scenario are asked at once (Holm 1979). "
            + ". ".join(self.notes),
        )  # fmt: skip


def compare(results: Ensemble | Named, *, baseline: str | None = None) -> Comparison:
    """Every outcome and state of the other scenarios beside the baseline's, paired run by run.

    results are those of `sweep` or the folder of an earlier one; baseline is the first scenario whose name begins
    with baseline by default, else the first. Raises InputError where there is no such scenario, or where runs have
    other numbers of steps than the baseline's or no state in common with it.

    >>> found = compare(sweep(["baseline_2023", "no_sanctions"], replicates=20))
    >>> found
    <Comparison with baseline_2023: no_sanctions>
    >>> bites = found.outcomes.set_index("outcome").loc["bite_front"]
    >>> float(bites["mean"]), bool(bites["difference"] < 0)
    (0.0, True)
    """
    if not (baseline is None or isinstance(baseline, str)):
        raise arguments.argument_fault("compare", "baseline", baseline, "the name of a scenario")
    held = (results if isinstance(results, Ensemble) else read(results)).sample
    against = held.baseline(baseline)
    outcomes = compare_outcomes(held, against)
    main = outcomes[outcomes["outcome"].isin(main_outcomes(held))].reset_index(drop=True)
    states = compare_states(held, against)
    return Comparison(against, outcomes, states, main, pairings(held, against, outcomes, states), held.averaged)


def render_table(title: str, table: pd.DataFrame, note: str) -> str:
    """A titled table as a part of a page, all text escaped."""
    shown = Markup(table.to_html(index=False, border=0, na_rep="–", float_format="{:.3f}".format))  # noqa: S704  # escapes
    return str(Markup("<p><strong>{}</strong></p>{}<p>{}</p>").format(title, shown, note))
