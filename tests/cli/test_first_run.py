"""The first command on a machine: one run needs no machine code, and gives the same bytes as with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim.cli import cli

COMMANDS = (
    ("run", "baseline_2023", "--seed", "7", "--others", "0", "--moves"),
    ("explain", "baseline_2023", "IRN", "--step", "2", "--seed", "7"),
    ("landscape", "unix_1988"),
)


def blocs(words: tuple[str, ...], **env: str) -> str:
    """Run the command in a process of its own; return what it prints."""
    kept = {key: value for key, value in os.environ.items() if key not in ("NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT")}
    done = subprocess.run(
        [sys.executable, "-m", "sim", *words], env={**kept, **env}, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize(
    "words",
    [pytest.param(words, marks=pytest.mark.long if n else pytest.mark.second) for n, words in enumerate(COMMANDS)],
    ids=" ".join,
)
def test_first_command_compiles_nothing(words: tuple[str, ...], tmp_path: Path) -> None:
    compiled = CliRunner().invoke(cli, words)
    assert blocs(words, XDG_CACHE_HOME=str(tmp_path)) == compiled.stdout
    assert not [*tmp_path.rglob("*.nbi")]


@pytest.mark.parametrize(
    ("states", "steps", "cached", "interpreted"),
    [(52, 40, False, True), (52, 40, True, False), (2000, 40, False, False)],
)
def test_rules_are_interpreted_for_short_runs_without_machine_code(
    states: int, steps: int, cached: bool, interpreted: bool, tmp_path: Path
) -> None:
    if cached:
        (tmp_path / "compiled.simulate_runs-270.py311.nbi").touch()
    code = (
        f"from sim.model.numerics import jit;jit.interpret_short_run({states}, {steps}); print(jit.interprets_rules())"
    )
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_DISABLE_JIT": "0"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(interpreted)


@pytest.mark.parametrize("cached", [False, True])
def test_bar_says_that_it_compiles(cached: bool, tmp_path: Path) -> None:
    if cached:
        (tmp_path / "compiled.simulate_runs-270.py311.nbi").touch()
    code = "from sim.cli.commands.run import progress_bar\nwith progress_bar() as show: show(0, 10)"
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_DISABLE_JIT": "0"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert ("once the rules are compiled" in done.stderr) is not cached
