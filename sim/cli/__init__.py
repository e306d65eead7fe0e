"""The command `blocs`: the only room besides the app that prints and exits."""

from sim.cli import landscape, report, results, runs, scenarios
from sim.cli.group import cli, main

__all__ = ["cli", "landscape", "main", "report", "results", "runs", "scenarios"]
