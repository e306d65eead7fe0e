"""Shell completion by the installed command, as a shell calls it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BLOCS = shutil.which("blocs", path=Path(sys.executable).parent)


def complete(words: str, shell: str = "bash") -> list[str]:
    """Offers of the command for the last word."""
    typed = words.split(" ")
    place = {"COMP_WORDS": words, "COMP_CWORD": typed[-1] if shell == "fish" else str(len(typed) - 1)}
    env = {**os.environ, **place, "_BLOCS_COMPLETE": f"{shell}_complete"}
    done = subprocess.run([str(BLOCS)], env=env, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_command_beside_python() -> None:
    assert BLOCS


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("blocs la", {"plain,landscape"}),
        ("blocs run base", {"plain,baseline_2023"}),
        ("blocs sweep no_sanctions uni", {"plain,unix_1988"}),
        ("blocs run ./mine", {"file,./mine"}),
        ("blocs run baseline_2023 --set w_sh", {"plain,w_shelter="}),
        ("blocs run baseline_2023 --without rein", {"plain,reinforcement"}),
        ("blocs new wo", {"plain,world"}),
    ],
)
def test_completion_of_words(words: str, offered: set[str]) -> None:
    assert set(complete(words)) == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_meaning_of_settings_in_other_shells(shell: str) -> None:
    offers = "\n".join(complete("blocs run baseline_2023 --set bond_g", shell))
    assert "bond_gain=" in offers
    assert "growth of a bond within a bloc" in offers


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_of_each_shell(shell: str) -> None:
    env = {**os.environ, "_BLOCS_COMPLETE": f"{shell}_source"}
    done = subprocess.run([str(BLOCS)], env=env, capture_output=True, text=True, check=True)
    assert "_BLOCS_COMPLETE" in done.stdout
    if shell == "bash" and (bash := shutil.which("bash")):
        both = f'{done.stdout}\nPATH="{Path(sys.executable).parent}:$PATH"\ncomplete -p blocs'
        seen = subprocess.run([bash, "--norc", "-c", both], capture_output=True, text=True, check=True)
        assert "_blocs_completion" in seen.stdout
