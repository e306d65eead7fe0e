"""The command `blocs`: the only room besides the app that prints and exits."""

from sim.cli import (
    app,
    calibrate,
    claims,
    explain,
    landscape,
    new,
    regret,
    replay,
    report,
    results,
    runs,
    scenarios,
    score,
    sensitivity,
)
from sim.cli.group import cli, main

__all__ = [
    "app",
    "calibrate",
    "claims",
    "cli",
    "explain",
    "landscape",
    "main",
    "new",
    "regret",
    "replay",
    "report",
    "results",
    "runs",
    "scenarios",
    "score",
    "sensitivity",
]
