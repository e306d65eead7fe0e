"""The command `blocs`: the only room besides the app that prints and exits."""

from sim.cli import app, claims, explain, landscape, regret, report, results, runs, scenarios, sensitivity
from sim.cli.group import cli, main

__all__ = [
    "app",
    "claims",
    "cli",
    "explain",
    "landscape",
    "main",
    "regret",
    "report",
    "results",
    "runs",
    "scenarios",
    "sensitivity",
]
