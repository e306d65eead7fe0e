"""Relations between records of a question: written and read, larger sweeps, and chunks."""

from __future__ import annotations

import itertools
import json
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from relation import THIRD, changed, relation, seeds, shuffles
from strategies import hundredths, rates, scenarios

from sim.batch import executor
from sim.batch.sweep import Question, make_question, run_sweep
from sim.batch.tables.chunk import Chunk, moves_table, runs_table, states_table
from sim.batch.tables.columns import Arrays, text_columns
from sim.model.world import world_of
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario, Sweep

ORDERED = ("states", "blocs", "theatres")  # the order of their indices is part of the question


@relation(scenarios(max_states=4))
def test_scenario_survives_writing_and_reading(scenario: Scenario) -> None:
    again = Scenario.model_validate_json(scenario.model_dump_json())
    assert again == scenario
    assert again.digest() == scenario.digest()


def reordered(content: Any, random: Random, *, whole: bool = True) -> Any:
    """A record with its keys in another order and whole decimals as integers."""
    if isinstance(content, dict):
        keys = list(content)
        if whole:
            random.shuffle(keys)
        return {key: reordered(content[key], random, whole=key not in ORDERED) for key in keys}
    if isinstance(content, (list, tuple)):
        return [reordered(item, random) for item in content]
    return int(content) if isinstance(content, float) and content == int(content) else content


@relation(scenarios(max_states=4), shuffles)
def test_order_of_keys_and_decimals_change_no_digest(scenario: Scenario, random: Random) -> None:
    again = Scenario.model_validate(reordered(scenario.model_dump(), random))
    assert again.digest() == scenario.digest()


BASE = "unix_1988"
CHANGES = {
    **{("parameters", name): rates for name in ("erosion", "temperature", "bond_gain", "w_bond", "strain")},
    **{("blocs", "a", name): hundredths for name in ("enforcement", "accommodation")},
    **{("states", "Sun", name): st.integers(0, 9).map(float) for name in ("capability", "autonomy")},
}
chosen = st.lists(st.sampled_from(list(CHANGES)), unique=True, min_size=2).flatmap(
    lambda paths: st.fixed_dictionaries({path: CHANGES[path] for path in paths})
)


def as_toml(values: dict[tuple[str, ...], float], random: Random | None) -> str:
    """A scenario file with these changes, plain, or in any form that TOML allows."""
    lines = [f'world = "{BASE}"', 'title = "any"', "steps = 4"]
    lines += [f"{'.'.join(path)} = {value!r}" for path, value in values.items()]
    if random is not None:
        random.shuffle(lines)
        whole = [line.removesuffix(".0") if random.random() < 0.5 else line for line in lines]
        lines = [f"{line.replace(' = ', '=')}  # {random.choice('abc')} = 1" for line in whole]
        lines.insert(random.randrange(len(lines)), "# [states.Sun]\n\n")
    return "\n".join(lines) + "\n"


@relation(chosen, shuffles)
def test_comments_order_of_keys_and_decimals_of_a_file_change_no_digest(
    values: dict[tuple[str, ...], float], random: Random
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        digests = []
        for n, order in enumerate((None, random)):
            path = Path(folder) / f"any_{n}.toml"
            path.write_text(as_toml(values, order), encoding="utf-8")
            digests.append(load_scenario(path).digest())
    assert digests[0] == digests[1]


# Sweeps

AXES = {"erosion": (0.0, 0.4, 2.0), "blocs.east.enforcement": (0.1, 0.5, 1.0), "temperature": (0.1, 0.3)}
axes = st.fixed_dictionaries(
    {},
    optional={
        path: st.lists(st.sampled_from(values), unique=True, min_size=1, max_size=2) for path, values in AXES.items()
    },
)


def question(scenario: Scenario, vary: dict[str, list[float]], replicates: int = 2) -> Question:
    """The sweep of a scenario over the values of some settings."""
    sweep = Sweep(vary={path: tuple(values) for path, values in vary.items()}, seed=5)
    return make_question({"any": changed(scenario, sweep=sweep)}, replicates=replicates, seed=None)


def tables(chunk: Chunk) -> list[Arrays]:
    """The tables of a chunk: its runs, its states and its moves."""
    world = world_of(chunk.scenario)
    runs = executor.compiled_engine(chunk.scenario, seed=chunk.seed, replicates=chunk.replicates, world=world)
    rows = [*zip(chunk.replicates, runs, strict=True)]
    return [
        text_columns(made)
        for made in (runs_table(chunk, rows, []), states_table(chunk, rows), moves_table(chunk, rows))
    ]


def rows_of(asked: Question) -> dict[tuple[str, int], str]:
    """Every run of a question as text, by settings and replicate, without the number of its point."""
    found = {}
    for chunk in asked.chunks():
        runs, *_ = tables(chunk)
        key = json.dumps(asked.points[chunk.point].settings, sort_keys=True)
        for n, replicate in enumerate(chunk.replicates):
            found[key, replicate] = repr([runs[name][n] for name in runs if name != "point"])
    return found


@relation(scenarios(max_states=3, steps=2), axes, shuffles)
def test_more_values_and_replicates_leave_the_old_rows(
    scenario: Scenario, vary: dict[str, list[float]], random: Random
) -> None:
    more = {path: sorted({*values, random.choice(AXES[path])}) for path, values in vary.items()}
    fewer, wider = rows_of(question(scenario, vary)), rows_of(question(scenario, more, replicates=3))
    assert fewer.items() <= wider.items()


@relation(scenarios(max_states=3, steps=2), axes)
def test_order_of_axes_changes_no_row(scenario: Scenario, vary: dict[str, list[float]]) -> None:
    turned = {path: vary[path] for path in reversed(vary)}
    assert rows_of(question(scenario, vary)) == rows_of(question(scenario, turned))


@relation(scenarios(max_states=3, steps=2), st.lists(st.integers(1, 4), min_size=1, max_size=3), seeds)
def test_chunks_change_no_row(scenario: Scenario, sizes: list[int], seed: int) -> None:
    """For any size; `test_sweep.py` and `test_cluster.py` compare workers and engines byte by byte."""
    scenario = with_settings(scenario, {"temperature": 20})  # so that runs differ
    ends = np.cumsum([0, *sizes]).tolist()
    parts = [tables(Chunk(0, "any", scenario, seed, range(a, b), "digest")) for a, b in itertools.pairwise(ends)]
    for n, whole in enumerate(tables(Chunk(0, "any", scenario, seed, range(ends[-1]), "digest"))):
        for name, column in whole.items():
            np.testing.assert_array_equal(column, np.concatenate([part[n][name] for part in parts]), err_msg=name)


@pytest.mark.second
@settings(**THIRD)
@given(scenarios(max_states=3, steps=2), st.integers(1, 24))
def test_stopped_and_resumed_sweep_equals_an_uninterrupted_one(scenario: Scenario, after: int) -> None:
    """It stops between chunks; `robustness/` kills it anywhere."""
    asked = question(scenario, {"erosion": [0.0, 1.0]}, replicates=12)

    def stop(done: int, total: int) -> None:
        if done >= after:
            raise KeyboardInterrupt

    with tempfile.TemporaryDirectory() as folder:
        whole = run_sweep(asked, Path(folder) / "whole", workers=1).results.digest()
        with pytest.raises(KeyboardInterrupt):
            run_sweep(asked, Path(folder) / "stopped", workers=1, progress=stop)
        assert run_sweep(asked, Path(folder) / "stopped", workers=1).results.digest() == whole
