"""Whether what a scenario changes keeps its direction at other settings: a grade by a stated rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.compare import Sample
from sim.analysis.history.words import count_words
from sim.reporting.chapters.asked import scenario_at, settings_key
from sim.reporting.chapters.changes import NAMED, clear_changes, clear_sizes
from sim.reporting.dated.confidence import GRADES
from sim.reporting.labels import SETTINGS_LETTERS, list_fitting, name_settings

FEWEST_SETTINGS = 3  # other settings that a grade above medium needs

MOSTLY = 0.75  # least share of the other settings with the same direction that medium needs


@dataclass(frozen=True)
class EffectGrade:
    """The grade of an effect: none where its direction is known at one setting only.

    Parameters
    ----------
    grade
        Place in GRADES; None without a grade.
    why
        The reason, in words.
    """

    grade: int | None
    why: str

    def sentence(self) -> str:
        """Say the grade and its reason."""
        name = "no grade" if self.grade is None else GRADES[self.grade]
        return f"{name}. Why: {self.why}."


def grade_direction(kept: int, settings: int) -> int:
    """Grade an effect whose direction is the same at `kept` of so many other settings.

    High: at all of at least FEWEST_SETTINGS; medium: at a share of MOSTLY or more; else low.
    """
    if kept == settings:
        return 2 if settings >= FEWEST_SETTINGS else 1
    return 1 if kept >= MOSTLY * settings else 0


def find_other_settings(found: Sample, base: str, focus: str) -> list[tuple[str, str]]:
    """Pair the design points of a scenario with the baseline's at the same settings, without the point asked about."""
    finished = set(found.runs["design"])
    bases = {
        settings_key(found, one): one
        for one in reversed(found.designs)
        if one in finished and scenario_at(one) == scenario_at(base)
    }
    own = (one for one in found.designs if one in finished - {focus} and scenario_at(one) == scenario_at(focus))
    pairs = ((one, bases.get(settings_key(found, one), base)) for one in own)
    return [(one, other) for one, other in pairs if other != base]


def grade_effect(
    found: Sample, base: str, focus: str, outcomes: pd.DataFrame, states: pd.DataFrame, futures: str = ""
) -> EffectGrade:
    """Grade whether the largest clear changes of a scenario have the same direction at the sweep's other settings.

    Parameters
    ----------
    found
        The finished runs.
    base, focus
        Labels of the baseline and of the scenario.
    outcomes, states
        Tables of `compare_outcomes` and `compare_states`.
    futures
        What few runs in each future say of it, in words; empty without them.

    Returns
    -------
    EffectGrade
        The grade; none where nothing clearly changes, or the sweep has one setting.
    """
    more = f"; {futures}" if futures else ""
    moved, sizes = clear_changes(states, focus).head(NAMED), clear_sizes(outcomes, focus)
    if not len(moved) and not len(sizes):
        return EffectGrade(None, f"no clear change of where a state is, or of the size of a bloc{more}")
    pairs = find_other_settings(found, base, focus)
    if not pairs:
        return EffectGrade(
            None, f"these runs have one setting of what is assumed, so intervals are of chance only{more}"
        )
    same = np.ones(len(pairs), dtype=bool)
    rows = found.states[found.states["state"].isin(set(moved["state"]))]
    means = rows.groupby(["state", "design"], observed=True)[[c for c in rows if c.startswith("share_")]].mean()
    for row in moved.itertuples():
        same &= keep_sign(means.loc[row.state, f"share_{row.alignment}"], pairs, row.difference)
    by_run = found.runs.groupby("design", observed=True)
    for row in sizes.itertuples():
        same &= keep_sign(by_run[str(row.outcome)].mean(), pairs, row.difference)
    kept = int(same.sum())
    varied = list_fitting([one.partition("=")[0] for one in name_settings(found.settings[focus])], SETTINGS_LETTERS)
    where = f"{len(pairs)} other setting{'' if len(pairs) == 1 else 's'}"
    return EffectGrade(
        grade_direction(kept, len(pairs)),
        f"the direction of its largest clear changes is the same at {kept} of {where} of {varied}; every other"
        f" parameter stays as assumed{more}",
    )


def keep_sign(means: Any, pairs: list[tuple[str, str]], difference: Any) -> Any:
    """Whether the difference of means has the sign of `difference` at each pair of design points."""
    return np.array([(means[one] - means[other]) * difference > 0 for one, other in pairs])


def words_of_futures(directions: pd.DataFrame, lever: str, bloc: str, runs: int) -> str:
    """Say at how many settings of the parameters a lever raises and lowers the size of a bloc; empty without it.

    `directions` has the columns lever, raises, lowers and futures.
    """
    own = directions[directions["lever"] == lever]
    if not len(own):
        return ""
    one = next(own.itertuples())
    same = one.futures - one.raises - one.lowers
    return (
        f"in {count_words(runs, 'run')} at each of {one.futures} settings of all parameters, too few for a grade,"
        f" “{bloc}” is larger with it at {one.raises}, smaller at {one.lowers} and the same at {same}"
    )
