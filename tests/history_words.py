"""The command in this process, and a scenario file for the lens of tendency, for tests of `blocs run`."""

from __future__ import annotations

from click.testing import CliRunner

from sim.cli import cli

TENDENCY = """
title = "Tendency"
source = "assumed"
note = "for a test"
extends = "baseline_2023"
role = "assumption"
[sweep]
lens = "tendency"
"""


def blocs(*words: str, code: int = 0) -> str:
    """Run the command in this process; return what it prints, with single blanks."""
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == code, (done.output, done.exception)
    return " ".join(done.output.split())
