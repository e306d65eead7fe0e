"""Run scenarios: one run as a history, many as an ensemble."""

from __future__ import annotations

import shutil
import tempfile
import warnings
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.analysis.chance import chance_warning
from sim.analysis.history.others import OTHERS
from sim.analysis.history.story import MOVE_COLUMNS, POINT_COLUMNS, Story, tell_story
from sim.api.arguments import argument_fault, require, require_path
from sim.api.findings import render_table
from sim.api.results import Ensemble
from sim.api.scenarios import Named, load, require_scenario
from sim.api.story import StoryPage
from sim.batch.design import through_lens
from sim.batch.executor import Progress
from sim.batch.sweep import make_question, run_sweep
from sim.errors import Fault, InputError, InputWarning
from sim.model import compiled
from sim.model.trajectory import Run
from sim.model.world import world_of
from sim.names import RULE, is_scenario_name, require_distinct, scenario_name
from sim.reporting.exports.datasets import build_dataset
from sim.reporting.exports.graphs import build_graph, step_at
from sim.reporting.exports.networks import RunNetwork
from sim.reporting.labels import label_history
from sim.scenario.overrides import apply_changes, mechanism_change
from sim.scenario.schema import Scenario

if TYPE_CHECKING:
    import networkx as nx
    import xarray

Scenarios = Scenario | Named | Sequence[Scenario | Named] | Mapping[str, Scenario | Named]


@dataclass(frozen=True, eq=False)
class History:
    """One run over its steps, the start included.

    Parameters
    ----------
    title
        Title of the scenario.
    seed
        Random seed.
    replicate
        Number of the run among the runs of the seed, from 0.
    steps
        One row for each step, with the outcomes of ``docs/model.md``.
    states
        One row for each step and state: its alignment, its chance of each alignment (NaN at the start), the
        stability of its regime, and the bite of sanctions on it.
    scenario
        The scenario as it was run.
    once
        The run as arrays.

    Examples
    --------
    >>> history = run("baseline_2023", seed=7)
    >>> history.moves[["step", "state", "to_alignment", "cause"]].to_records(index=False).tolist()
    [(10, 'MEX', 'us_led', 'renewal'), (32, 'PAK', 'us_led', 'renewal')]
    >>> history.turning_points["what"].iloc[0]
    'Mexico joins the US-led bloc.'
    """

    title: str
    seed: int
    replicate: int
    steps: pd.DataFrame
    states: pd.DataFrame
    scenario: Scenario = field(repr=False)
    once: Run = field(repr=False)

    @property
    def moves(self) -> pd.DataFrame:
        """Every move: step, date (none in rounds), state, alignments before and after, cause, and reason.

        `chance` is the structural chance of the alignment entered at that step, `followed` the states whose moves it
        followed. `advantage` has the terms of utility in which the alignment entered is ahead of the one left, `change`
        how that changed since step `since`, when the state last chose the one left.
        """
        return pd.DataFrame(self._reading.move_records(), columns=list(MOVE_COLUMNS))

    @property
    def turning_points(self) -> pd.DataFrame:
        """Up to eight turning points, in the order of time: what happened, when, why, who followed, and how usual.

        `kind` is `move`, or `renewal` or `shock` where no state moved; `in_others` gives for each state of the turning
        point in how many of 100 other histories it enters (or leaves) the same bloc, with a 95 % interval.
        """
        return pd.DataFrame(self._reading.point_records(), columns=list(POINT_COLUMNS))

    def story(self) -> StoryPage:
        """Return the run as a page: the map plays, a timeline has the events, bars show why each mover moved.

        Raises InputError for a run through the lens of tendency, which is not a history.
        """
        from sim.reporting.story.page import render_story  # drawing loads slowly

        return StoryPage(self.title, render_story(self._reading))

    @cached_property
    def _reading(self) -> Story:
        """The run read as a history; raises InputError for a run through the lens of tendency."""
        if self.scenario.sweep.lens == "tendency":
            message = "a run through the lens of tendency is not a history; run the scenario with the lens histories"
            raise InputError([Fault("run", 1, "lens", message)])
        world = world_of(self.scenario)
        return tell_story(self.scenario, world, self.once, label_history(self.scenario), others=OTHERS)

    @property
    def alignments(self) -> pd.DataFrame:
        """Alignment of each state: one row for each step, one column for each state."""
        return self.states.pivot_table(index="step", columns="state", values="alignment", aggfunc="first")

    @cached_property
    def network(self) -> RunNetwork:
        """The run as a network: states, and ties with their strength over the steps."""
        return RunNetwork(self.scenario, self.once)

    def to_networkx(self, at: str | date | None = None) -> nx.MultiDiGraph:
        """Return the states and ties at a date as a graph of networkx.

        An edge has the kind of its tie as key, and the attributes `kind` and `weight`. Sanctions lead from the sender
        to the target, trade from a state to its partner; the other kinds have an edge each way.

        Parameters
        ----------
        at
            Date, as text or date. Default: the end of the run.

        Returns
        -------
        MultiDiGraph
            Nodes are ids of states, with `label`, `alignment`, `theatre`, and shares of `capability` and `product`.

        Raises
        ------
        InputError
            If the run does not contain the date.

        Examples
        --------
        >>> graph = run("baseline_2023", seed=7).to_networkx(at="2030-12-31")
        >>> graph.nodes["CHN"]["label"], graph.edges["USA", "RUS", "sanction"]["kind"]
        ('China', 'sanction')
        """
        given = require("to_networkx", {"at": at})
        return build_graph(self.network, step_at("to_networkx", self.scenario, given.at))

    def to_xarray(self) -> xarray.Dataset:
        """Return the run as a dataset of xarray, which ``pip install 'blocs[xarray]'`` installs.

        Returns
        -------
        Dataset
            `aligned` and `chance` by step, state and alignment; `regime_stability` and `bite` by step and state; each
            outcome by step. The coordinate `date` has the end date of each step.

        Raises
        ------
        ModuleNotFoundError
            If xarray is missing.

        Examples
        --------
        >>> dataset = run("baseline_2023", seed=7).to_xarray()
        >>> int(dataset["aligned"].sel(alignment="us_led", step=40).sum("state"))
        23
        """
        return build_dataset(self.network)

    def __repr__(self) -> str:
        last = self.steps.index[-1]
        return f"<History of {self.title!r}: {last} steps, seed {self.seed}, replicate {self.replicate}>"

    def _repr_html_(self) -> str:
        last = self.states[self.states["step"] == self.states["step"].max()]
        rows = [
            (alignment, len(members), self.steps[f"capability_{alignment}"].iloc[-1], ", ".join(members["state"]))
            for alignment, members in last.groupby("alignment", sort=False)
        ]
        table = pd.DataFrame(rows, columns=["alignment", "states", "share of capability", "members"])
        return render_table(
            self.title, table.sort_values("share of capability", ascending=False, kind="stable"),
            f"After {self.steps.index[-1]} steps; seed {self.seed}, replicate {self.replicate}. "
            "One run is one random draw: sweep() shows how runs spread.",
        )  # fmt: skip


def run(
    scenario: Scenario | Named, *, seed: int | None = None, replicate: int = 0, without: str | Iterable[str] = ()
) -> History:
    """Run a scenario once; the same scenario, seed and replicate give the same run, here and by ``blocs run``.

    Parameters
    ----------
    scenario
        Scenario, or name or path of one.
    seed
        Random seed, 0 or more. Default: the seed in the scenario file.
    replicate
        Number of the run among the runs of the seed, from 0.
    without
        Mechanisms to switch off.

    Returns
    -------
    History
        The outcomes and the states at every step.

    Raises
    ------
    InputError
        If the scenario or an argument has faults, as in `load`.

    Warns
    -----
    InputWarning
        If choices are close to chance.

    Examples
    --------
    >>> once = run("baseline_2023", seed=7)
    >>> once.steps.shape[0], once.states["state"].nunique()
    (41, 52)
    >>> once.alignments.loc[40, "USA"]
    'us_led'
    """
    given = require("run", {"seed": seed}, replicate=replicate, without=without)
    found = through_lens(require_scenario("run", scenario)[0])
    found = apply_changes(found, [mechanism_change("run", mechanism) for mechanism in given.without])
    if message := chance_warning(found):
        warnings.warn(message, InputWarning, stacklevel=2)
    own = found.sweep.seed if given.seed is None else given.seed
    return tabulate_run(found, compiled.run_compiled(found, seed=own, replicate=given.replicate))


def tabulate_run(scenario: Scenario, once: Run) -> History:
    """Return a run as tables."""
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
    return History(scenario.title, once.seed, once.replicate, outcomes, pd.DataFrame(columns), scenario, once)


def sweep(
    scenarios: Scenarios, *, replicates: int | None = None, seed: int | None = None, lens: str | None = None,
    at: str | date | Iterable[str | date] = (), keep: str | Iterable[str] = (), out: Named | None = None,
    workers: int | None = None, progress: Progress | None = None,
) -> Ensemble:  # fmt: skip
    """Run scenarios many times on common random numbers.

    Parameters
    ----------
    scenarios
        A scenario, its name or path, several of them, or a mapping of names of your own to them.
    replicates
        Runs of each design point, 1 to 10,000,000. Default: the number in each scenario file.
    seed
        Random seed, 0 or more, of all runs. Default: the seed of the first scenario.
    lens
        ``"histories"``, what happens by when, or ``"tendency"``, where the ties pull in the long run. Default: the
        lens in each scenario file.
    at
        Dates at which every outcome is stored, such as ``"2030-12-31"``; scenarios with a calendar only.
    keep
        ``"steps"``: also store every outcome at every step.
    out
        Folder of the results. The same call resumes a sweep that was stopped; a call with more replicates or
        scenarios runs what is missing. Default: a temporary folder, removed with the returned object.
    workers
        Threads, 1 to 512. Default: one for each core.
    progress
        Function that is called with the number of runs done and the number of all runs.

    Returns
    -------
    Ensemble
        The runs as tables.

    Raises
    ------
    InputError
        If a scenario or an argument has faults, two scenarios have one name or different lenses, a run does not
        contain a date, or the folder contains a different sweep.

    Examples
    --------
    >>> heard = []
    >>> results = sweep(["baseline_2023", "no_sanctions"], replicates=20, progress=lambda *done: heard.append(done))
    >>> results
    <Ensemble of 40 runs, 0 failed: baseline_2023, no_sanctions>
    >>> heard[-1]
    (40, 40)
    >>> results.runs.groupby("design")["capability_front"].mean().between(0, 1).all().item()
    True
    """
    counts = {"replicates": replicates, "seed": seed, "workers": workers}
    given = require("sweep", {**counts, "lens": lens, "out": out, "progress": progress}, at=at, keep=keep)
    if given.out is not None and given.out.exists() and not given.out.is_dir():
        raise InputError([Fault("sweep", 1, "out", f"{given.out} is a file; give a folder")])
    found = {name: one if isinstance(one, Scenario) else load(one) for name, one in named("sweep", scenarios).items()}
    for name, one in found.items():
        if message := chance_warning(one):
            warnings.warn(f"{name}: {message}", InputWarning, stacklevel=2)
    question = make_question(
        found, replicates=given.replicates, seed=given.seed, lens=given.lens, keep=given.keep, at=given.at
    )
    folder = Path(tempfile.mkdtemp(prefix="blocs-")) if given.out is None else given.out
    made = Ensemble(folder)
    if given.out is None:
        weakref.finalize(made, shutil.rmtree, folder, ignore_errors=True)
    run_sweep(question, folder, workers=given.workers, progress=given.progress or (lambda done, total: None))
    return made


MAPPING = "give a mapping of names of your own to the scenarios"


def named(function: str, scenarios: Any) -> dict[str, Scenario | Named]:
    """Return scenarios by their names; raises InputError for an invalid name, two equal names, or no scenario."""
    if isinstance(scenarios, (str, Path, Scenario)):
        scenarios = [scenarios]
    if not isinstance(scenarios, Iterable):
        raise argument_fault(function, "scenarios", scenarios, "a scenario, nor several of them")
    if not (several := scenarios if isinstance(scenarios, Mapping) else list(scenarios)):
        raise InputError([Fault(function, 1, "scenarios", "no scenario is given; give one or more")])
    for one in several.values() if isinstance(several, Mapping) else several:
        if not isinstance(one, Scenario):
            require_path(function, "scenarios", one, "a scenario, nor the name or path of one")
    if isinstance(several, Mapping):
        if wrong := [name for name in several if not is_scenario_name(name)]:
            message = "{!r} cannot name a scenario; " + RULE
            raise InputError(Fault(function, 1, "scenarios", message.format(name)) for name in wrong)
        return dict(several)
    items = [
        (one.title, one, f"scenario {n}") if isinstance(one, Scenario) else (scenario_name(one), one, str(one))
        for n, one in enumerate(several, start=1)
    ]
    return require_distinct(items, MAPPING)
